"""`/readyz` when a check itself fails."""

from __future__ import annotations

from cryptography.fernet import Fernet

from bot.checks.readiness import Readiness
from bot.install.store import InstallationStore
from tasks.store.database import Database
from tasks.store.key_value import KeyValueStore


async def test_a_database_that_is_away_is_named_once_by_all_who_look_into_it() -> None:
    """An app for several workspaces keeps their tokens there."""
    database = Database("postgresql://ada@127.0.0.1:1/handoff")
    installations = InstallationStore(KeyValueStore(database), [Fernet.generate_key().decode()])

    async def looks_itself() -> list[str]:
        return [await database.check()]

    assert await Readiness(looks_itself, installations.problems).missing() == [
        "the database can't be reached"
    ]
    await database.close()
