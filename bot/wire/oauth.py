"""Installing into a workspace by OAuth: the two pages, and cleaning up when a workspace takes it back.

Never keeps a token itself: that is `bot.wire.installations`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import InstallationError
from bot.settings import Settings
from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from bot.wire.installations import STATE_LIFETIME, Installations, OAuthStates
from bot.wire.manifest import INSTALL_PATH, REDIRECT_PATH, SCOPES
from tasks.engine import TaskEngine
from tasks.store.notes import Notes
from tasks.store.preferences import ChannelPreferences
from tasks.store.usage import TaskUsage

log = structlog.get_logger(__name__)

_BROKEN = (
    "Handoff could not be installed: Slack could not be reached, or answered something else. Try it again."
)


class InstallPages:
    """`/slack/install`, which leads to Slack, and `/slack/oauth_redirect`, to which Slack leads back."""

    def __init__(self, settings: Settings, installations: Installations) -> None:
        secret = settings.slack_client_secret
        self._flow = AsyncOAuthFlow(
            client=AsyncWebClient(base_url=settings.slack_api_url),
            logger=logging.getLogger("slack_bolt"),
            settings=AsyncOAuthSettings(
                client_id=settings.slack_client_id,
                client_secret=secret.get_secret_value() if secret else None,
                scopes=list(SCOPES),
                user_scopes=[],
                install_path=INSTALL_PATH,
                redirect_uri_path=REDIRECT_PATH,
                authorization_url=urljoin(settings.slack_api_url, "../oauth/v2/authorize"),
                installation_store=installations,
                installation_store_bot_only=True,
                state_store=OAuthStates(settings.token_keys),
                state_expiration_seconds=STATE_LIFETIME,
            ),
        )

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get(INSTALL_PATH, self._install), web.get(REDIRECT_PATH, self._come_back)]

    async def _install(self, request: web.Request) -> web.Response:
        return await to_aiohttp_response(await self._flow.handle_installation(await to_bolt_request(request)))

    async def _come_back(self, request: web.Request) -> web.Response:
        try:
            answer = await self._flow.handle_callback(await to_bolt_request(request))
        except InstallationError as refusal:
            return web.Response(status=400, text=str(refusal))
        except SLACK_ERRORS as fault:
            log.error("installation failed", why=error_text(fault))
            return web.Response(status=502, text=_BROKEN)
        return await to_aiohttp_response(answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class UninstallListeners:
    """The listeners for a workspace that takes Handoff out, or its token back.

    `installations` is None in a workspace of our own, whose token is a setting.
    """

    engine: TaskEngine
    usage: TaskUsage
    preferences: ChannelPreferences
    notes: Notes
    installations: Installations | None
    clients: Clients

    def register(self, app: AsyncApp) -> None:
        app.event("app_uninstalled")(self.uninstalled)
        app.event("tokens_revoked")(self.revoked)

    async def uninstalled(self, body: dict[str, Any]) -> None:
        """Nothing of the workspace goes on, and its token, settings and notes are forgotten."""
        if not isinstance(team := body.get("team_id"), str):
            return
        log.warning("removed from the workspace", team=team)
        await self._forget_token(team)
        await self.preferences.delete_workspace(team)
        await self.notes.forget(team)
        for task in await self.usage.tasks(team=team, running=True, limit=10_000):
            await self.engine.stop(task.id, "Handoff was removed from the workspace")

    async def revoked(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Tasks stay: their ends are told once somebody has installed Handoff again."""
        team, tokens = body.get("team_id"), event.get("tokens")
        if isinstance(team, str) and isinstance(tokens, dict) and tokens.get("bot"):
            log.error("Slack has revoked the bot's token: install the app again", team=team)
            await self._forget_token(team)
            await self._find_out(team)

    async def _find_out(self, team: str) -> None:
        """Call once, so that /readyz knows although nothing is to be said just now."""
        try:
            await (await self.clients.of(team)).auth_test()
        except SLACK_ERRORS as fault:
            log.info("token asked about", team=team, answer=error_text(fault))

    async def _forget_token(self, team: str) -> None:
        if self.installations is not None:
            await self.installations.async_delete_all(enterprise_id=None, team_id=team)
