"""Installations of an app for several workspaces: one bot token each, encrypted in the key-value store.

slack_sdk's SQLAlchemy stores are not used: they keep every former token, and for each visit to the install
page a row that nothing deletes.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore

from bot.errors import InstallationError
from tasks.store.key_value import KeyValueStore

log = structlog.get_logger(__name__)
audit = structlog.get_logger("audit")

#: Seconds from opening the install page to Slack's redirect.
STATE_LIFETIME = 600
_NAMESPACE = "installations"
_STATE = b"state "


async def _nothing(_: str) -> None: ...


class InstallationStore(AsyncInstallationStore):
    """The newest installation of each workspace. There are bot tokens only, no user tokens.

    `keys` are Fernet keys. The first encrypts and all decrypt, so a new key goes in front of the old one.
    """

    def __init__(self, store: KeyValueStore, keys: Sequence[str], allowed: Collection[str] = ()) -> None:
        """`allowed`: the workspaces that may install; all if empty."""
        self._store = store
        self._allowed = allowed
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self.on_saved: Callable[[str], Awaitable[None]] = _nothing
        """Called with the workspace's id after each installation."""

    async def async_save(self, installation: Installation) -> None:
        """Raises `InstallationError` for an organisation-wide installation or a missing bot token."""
        team = installation.team_id
        if installation.is_enterprise_install or not team or not installation.bot_token:
            raise InstallationError(
                "Slack gave no bot token of one workspace. Install the app to a workspace, not to a whole "
                "organisation."
            )
        if self._allowed and team not in self._allowed:
            log.warning("installation refused, not in HANDOFF_ALLOW_WORKSPACES", team=team)
            raise InstallationError(
                "This Handoff does not serve your workspace. Ask its operator to add the workspace's id, "
                f"{team}, to HANDOFF_ALLOW_WORKSPACES."
            )
        encrypted = self._fernet.encrypt(json.dumps(vars(installation)).encode()).decode()
        await self._store.put(_NAMESPACE, team, encrypted)
        log.info("installed", team=team, name=installation.team_name, by=installation.user_id)
        audit.info("installed", team=team, user=installation.user_id)
        await self.on_saved(team)

    async def delete(self, team: str) -> None:
        await self._store.put(_NAMESPACE, team, None)

    async def token(self, team: str) -> str | None:
        """The workspace's bot token; None where Handoff is not installed, the workspace is no longer allowed
        or the token's key is missing."""
        found = await self._installation(team)
        return None if found is None else str(found["bot_token"])

    async def installed_at(self, team: str) -> float:
        """When the workspace installed the app last, in seconds since 1970; 0 if it is not known."""
        found = await self._installation(team)
        return float((found or {}).get("installed_at") or 0)

    async def _installation(self, team: str) -> dict[str, Any] | None:
        if self._allowed and team not in self._allowed:
            return None
        encrypted = await self._store.get(_NAMESPACE, team)
        if encrypted is None:
            return None
        try:
            found: dict[str, Any] = json.loads(self._fernet.decrypt(str(encrypted)))
        except InvalidToken:
            log.error("HANDOFF_SLACK_TOKEN_KEY lacks the key of a workspace's token", team=team)
            return None
        return found

    async def teams(self) -> Sequence[str]:
        """The ids of the workspaces that Handoff is installed in."""
        teams = sorted(await self._store.all(_NAMESPACE))
        return [team for team in teams if not self._allowed or team in self._allowed]

    async def problems(self) -> list[str]:
        """What is wrong with the installations, in sentences for the operator."""
        unreadable = [team for team in await self.teams() if await self.token(team) is None]
        if not unreadable:
            return []
        return [
            f"the tokens of {', '.join(unreadable)} can't be read: HANDOFF_SLACK_TOKEN_KEY lacks their key"
        ]


class OAuthStates(AsyncOAuthStateStore):
    """OAuth states as encrypted values with a time stamp; nothing is stored.

    Bolt binds each state to the browser's cookie, and Slack accepts the code beside it once.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @property
    def logger(self) -> logging.Logger:
        return logging.getLogger("slack_bolt")

    async def async_issue(self, *args: object, **kwargs: object) -> str:
        return self._fernet.encrypt(_STATE + secrets.token_bytes(16)).decode()

    async def async_consume(self, state: str) -> bool:
        try:
            return self._fernet.decrypt(state.encode(), ttl=STATE_LIFETIME).startswith(_STATE)
        except InvalidToken:
            return False
