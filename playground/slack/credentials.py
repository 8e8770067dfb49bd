"""The app's tokens, signing secret and scopes, and their checks."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Literal

from playground.slack.errors import Refused

TokenKind = Literal["bot", "app", "none"]
# fmt: off
SCOPES = frozenset({
    "app_mentions:read", "assistant:write", "channels:history", "channels:join", "channels:read",
    "chat:write", "chat:write.customize", "commands", "files:read", "files:write", "groups:history",
    "groups:read", "im:history", "im:read", "im:write", "mpim:history", "mpim:read", "reactions:read",
    "reactions:write", "team:read", "users:read",
})
# fmt: on
"""The scopes in the app's manifest."""


class Credentials:
    """Random secrets of one stand-in, so that a client of one can't reach another by mistake."""

    def __init__(self, scopes: Collection[str] = SCOPES) -> None:
        self.bot_token = _new_bot_token()
        self.app_token = f"xapp-1-playground-{secrets.token_urlsafe(18)}"
        self.signing_secret = secrets.token_hex(16)
        self.verification_token = secrets.token_urlsafe(12)
        self.scopes = frozenset(scopes)
        self._revoked: set[str] = set()

    def revoke(self, token: str) -> None:
        """From now on, the token gets `token_revoked`."""
        self._revoked.add(token)

    def current_bot_token(self) -> str:
        """The bot's token; a new one if it was revoked. Installing again does not change a valid token."""
        if self.bot_token in self._revoked:
            self.bot_token = _new_bot_token()
        return self.bot_token

    def check(self, token: str, wanted: TokenKind) -> None:
        """Raises Refused if the token is missing, wrong, revoked or of the other kind."""
        if wanted == "none":
            return
        if not token:
            raise Refused("not_authed")
        if token in self._revoked:
            raise Refused("token_revoked")
        if token not in (self.bot_token, self.app_token):
            raise Refused("invalid_auth")
        if token != (self.bot_token if wanted == "bot" else self.app_token):
            raise Refused("not_allowed_token_type")

    def need_scope(self, scope: str) -> None:
        """Raises Refused if the app lacks the scope."""
        if scope not in self.scopes:
            raise Refused("missing_scope", needed=scope, provided=self.scopes_header)

    def may_read_files(self, authorization: str) -> bool:
        token = authorization.removeprefix("Bearer ").strip()
        return token == self.bot_token and token not in self._revoked and "files:read" in self.scopes

    @property
    def scopes_header(self) -> str:
        return ",".join(sorted(self.scopes))


def _new_bot_token() -> str:
    return f"xoxb-playground-{secrets.token_urlsafe(18)}"
