"""Installs the app by OAuth and removes it: the consent page, its code, and the token for the code.

Every person consents, unless `allows` is false. There is one workspace.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from aiohttp import web

from playground.slack.credentials import Credentials
from playground.slack.errors import Refused
from playground.slack.events import Events
from playground.slack.state import WorkspaceState
from playground.slack.world import Json


class Installs:
    """`redirect_url` is the redirect URL in the app's settings."""

    def __init__(self, state: WorkspaceState, credentials: Credentials, events: Events) -> None:
        self._state = state
        self._credentials = credentials
        self._events = events
        self._codes: dict[str, str] = {}
        self._used: set[str] = set()
        self.revoked_first = True
        self.client_id = f"{secrets.randbelow(10**12)}.{secrets.randbelow(10**12)}"
        self.client_secret = secrets.token_hex(16)
        self.redirect_url = ""
        self.allows = True
        #: The person at the browser.
        self.installer = state.world.users[0].id

    async def authorize(self, request: web.Request) -> web.Response:
        """`/oauth/v2/authorize`: redirects with a code, or with `access_denied`."""
        if request.query.get("client_id") != self.client_id:
            return web.Response(status=400, text="invalid_client_id")
        if not request.query.get("scope"):
            return web.Response(status=400, text="invalid_scope_requested")
        if request.query.get("redirect_uri") not in (None, "", self.redirect_url) or not self.redirect_url:
            return web.Response(status=400, text="bad_redirect_uri")
        answer = (
            {"code": self._new_code(request.query["scope"])} if self.allows else {"error": "access_denied"}
        )
        raise web.HTTPFound(
            f"{self.redirect_url}?{urlencode(answer | {'state': request.query.get('state', '')})}"
        )

    def exchange(self, client_id: str, client_secret: str, code: str) -> Json:
        """The answer of `oauth.v2.access`. A code works once. Raises Refused."""
        if client_id != self.client_id:
            raise Refused("invalid_client_id")
        if client_secret != self.client_secret:
            raise Refused("bad_client_secret")
        if code in self._used:
            raise Refused("code_already_used")
        if code not in self._codes:
            raise Refused("invalid_code")
        self._used.add(code)
        world = self._state.world
        return {
            "app_id": world.app_id,
            "authed_user": {"id": self.installer},
            "scope": self._codes.pop(code),
            "token_type": "bot",
            "access_token": self._credentials.current_bot_token(),
            "bot_user_id": world.bot.id,
            "team": {"id": world.team.id, "name": world.team.name},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def uninstall(self) -> None:
        """A person removes the app.

        Slack sends two events in either order, and revokes the token before them.
        """
        self._credentials.revoke(self._credentials.bot_token)
        send = [self._events.tokens_revoked, self._events.app_uninstalled]
        for send_event in send if self.revoked_first else send[::-1]:
            send_event()
        self.revoked_first = not self.revoked_first

    def revoke(self) -> None:
        """Revokes the bot's token. The app stays installed."""
        self._credentials.revoke(self._credentials.bot_token)
        self._events.tokens_revoked()

    def _new_code(self, scope: str) -> str:
        code = secrets.token_hex(24)
        self._codes[code] = scope
        return code
