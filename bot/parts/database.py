"""Opens the database, and says in a sentence why it can't be. Never reads or writes it."""

from __future__ import annotations

from bot.errors import BotError
from tasks.database import Database
from tasks.errors import DatabaseInUse
from tasks.patience import trouble


async def open_database(database: Database) -> None:
    """Open and migrate; raises `BotError` for what whoever runs the bot can mend."""
    try:
        await database.open()
    except DatabaseInUse as error:
        raise BotError(str(error)) from None
    except Exception as error:
        if not (words := trouble(error)):
            raise
        raise BotError(f"Handoff can't start: {words} ({error}). See HANDOFF_DATABASE_URL.") from error
