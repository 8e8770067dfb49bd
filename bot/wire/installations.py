"""The workspaces that Handoff is installed in: their tokens on our database, encrypted at rest.

Bolt's installation store, and the state that ties an installation to the browser it began in. Never calls
Slack: asking for a token is `bot.wire.oauth`'s.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence

import structlog
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore

from bot.errors import InstallationError
from tasks.store.key_value import KeyValueStore

log = structlog.get_logger(__name__)

#: Seconds between asking for an installation and Slack's leading the person back.
STATE_LIFETIME = 600
_PLACE = "installations"
_STATE = b"state "


async def _nothing(_: str) -> None: ...


class Installations(AsyncInstallationStore):
    """One installation per workspace, the newest. Bot tokens only: we ask for nobody's own.

    `keys` are Fernet keys. The first seals what is written, and each opens what it sealed, so that a key can
    be replaced by putting a new one before it.
    """

    def __init__(self, kept: KeyValueStore, keys: Sequence[str]) -> None:
        self._kept = kept
        self._box = MultiFernet([Fernet(key) for key in keys])
        self.on_saved: Callable[[str], Awaitable[None]] = _nothing
        """Told the workspace of each installation."""

    @property
    def logger(self) -> logging.Logger:
        return logging.getLogger("slack_bolt")

    async def async_save(self, installation: Installation) -> None:
        """Raises `InstallationError` for an organisation-wide one and for one without a bot token."""
        team = installation.team_id
        if installation.is_enterprise_install or not team or not installation.bot_token:
            raise InstallationError(
                "Slack gave no bot token of one workspace. Install the app to a workspace, not to a whole "
                "organisation."
            )
        sealed = self._box.encrypt(json.dumps(vars(installation)).encode()).decode()
        await self._kept.put(_PLACE, team, sealed)
        log.info("installed", team=team, name=installation.team_name, by=installation.user_id)
        await self.on_saved(team)

    async def async_find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        found = await self._open(team_id) if team_id and not is_enterprise_install else None
        return found if found and user_id in (None, found.user_id) else None

    async def async_find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        found = await self.async_find_installation(
            enterprise_id=enterprise_id, team_id=team_id, is_enterprise_install=is_enterprise_install
        )
        return found.to_bot() if found else None

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        if team_id:
            await self._kept.put(_PLACE, team_id, None)

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """With a user, only what that user installed."""
        find, delete = self.async_find_installation, self.async_delete_bot
        if user_id is None or await find(enterprise_id=enterprise_id, team_id=team_id, user_id=user_id):
            await delete(enterprise_id=enterprise_id, team_id=team_id)

    async def token_of(self, team: str) -> str | None:
        """A workspace's bot token; None when we are not installed there."""
        found = await self._open(team)
        return found.bot_token if found else None

    async def teams(self) -> Sequence[str]:
        """The workspaces we are installed in."""
        return sorted(await self._kept.all(_PLACE))

    async def problems(self) -> list[str]:
        """What is wrong with the installations, in words for the operator."""
        closed = [team for team in await self.teams() if await self._open(team) is None]
        if not closed:
            return []
        return [f"the tokens of {', '.join(closed)} can't be read: HANDOFF_SLACK_TOKEN_KEY lacks their key"]

    async def _open(self, team: str) -> Installation | None:
        sealed = await self._kept.get(_PLACE, team)
        if sealed is None:
            return None
        try:
            return Installation(**json.loads(self._box.decrypt(str(sealed))))
        except InvalidToken:
            log.error("HANDOFF_SLACK_TOKEN_KEY lacks the key of a workspace's token", team=team)
            return None


class InstallationAuthorize(AsyncAuthorize):
    """Who we are in the workspace that an event comes from; None when we are not installed there.

    Without a call of Slack's: what it would answer was written down at the installation.
    """

    def __init__(self, installations: Installations) -> None:
        self._installations = installations

    async def __call__(
        self, *, enterprise_id: str | None, team_id: str | None, **_: object
    ) -> AuthorizeResult | None:
        found = await self._installations.async_find_bot(enterprise_id=enterprise_id, team_id=team_id)
        if found is None:
            return None
        return AuthorizeResult(
            enterprise_id=found.enterprise_id,
            team_id=found.team_id,
            bot_user_id=found.bot_user_id,
            bot_id=found.bot_id,
            bot_token=found.bot_token,
        )


class OAuthStates(AsyncOAuthStateStore):
    """The states of installations under way: sealed, so that nothing is kept for who never comes back.

    Bolt binds each to the browser it was given to; Slack's code beside it can be used once.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._box = MultiFernet([Fernet(key) for key in keys])

    @property
    def logger(self) -> logging.Logger:
        return logging.getLogger("slack_bolt")

    async def async_issue(self, *args: object, **kwargs: object) -> str:
        return self._box.encrypt(_STATE + secrets.token_bytes(16)).decode()

    async def async_consume(self, state: str) -> bool:
        try:
            return self._box.decrypt(state.encode(), ttl=STATE_LIFETIME).startswith(_STATE)
        except InvalidToken:
            return False
