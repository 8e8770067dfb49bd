"""Installations of several workspaces: who may install, and events about an earlier installation."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from slack_sdk.oauth.installation_store import Installation

from bot.errors import InstallationError
from bot.install.store import InstallationStore
from tasks.store.key_value import KeyValueStore
from tests.support.database_templates import copy_migrated
from tests.support.databases import opened

KEY = Fernet.generate_key().decode()


@pytest.fixture
async def values(tmp_path: Path) -> AsyncIterator[KeyValueStore]:
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    await copy_migrated(url)
    async with opened(url) as database:
        yield KeyValueStore(database)


def installation(team: str, at: float) -> Installation:
    return Installation(
        app_id="A1", team_id=team, user_id="U1", bot_token="xoxb-1", bot_id="B1", installed_at=at
    )


async def test_only_listed_workspaces_may_install_and_are_served(values: KeyValueStore) -> None:
    everyone = InstallationStore(values, [KEY])
    await everyone.async_save(installation("T0OTHER", time.time()))
    ours = InstallationStore(values, [KEY], ["T0ACME"])
    await ours.async_save(installation("T0ACME", time.time()))
    with pytest.raises(InstallationError, match="HANDOFF_ALLOW_WORKSPACES"):
        await ours.async_save(installation("T0THIRD", time.time()))
    assert await ours.teams() == ["T0ACME"]
    assert (await ours.token("T0ACME"), await ours.token("T0OTHER")) == ("xoxb-1", None)


async def test_it_is_known_when_a_workspace_installed_last(values: KeyValueStore) -> None:
    store = InstallationStore(values, [KEY])
    await store.async_save(installation("T0ACME", 1_700_000_000.0))
    assert await store.installed_at("T0ACME") == 1_700_000_000.0
    assert await store.installed_at("T0OTHER") == 0.0
