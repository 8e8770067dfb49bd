"""The two pages of an installation: `/slack/install` and `/slack/oauth_redirect`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from urllib.parse import urljoin

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings

from bot.errors import InstallationError
from bot.install.store import STATE_LIFETIME, InstallationStore, OAuthStates
from bot.settings import Settings
from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.manifest import INSTALL_PATH, REDIRECT_PATH, SCOPES
from bot.wire.proxy import web_client

log = structlog.get_logger(__name__)

_FAILED = "Handoff could not be installed: Slack did not answer as expected. Please try again."


class InstallPages:
    """`/slack/install` links to Slack, and Slack redirects back to `/slack/oauth_redirect`."""

    def __init__(self, settings: Settings, installations: InstallationStore) -> None:
        secret = settings.slack_client_secret
        self._flow = AsyncOAuthFlow(
            client=web_client(settings.slack_api_url),
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
        return [web.get(INSTALL_PATH, self._install), web.get(REDIRECT_PATH, self._redirect)]

    async def _install(self, request: web.Request) -> web.Response:
        return await to_aiohttp_response(await self._flow.handle_installation(await to_bolt_request(request)))

    async def _redirect(self, request: web.Request) -> web.Response:
        try:
            answer = await self._flow.handle_callback(await to_bolt_request(request))
        except InstallationError as error:
            return web.Response(status=400, text=str(error))
        except SLACK_ERRORS as error:
            log.error("installation failed", why=error_text(error))
            return web.Response(status=502, text=_FAILED)
        return await to_aiohttp_response(answer)
