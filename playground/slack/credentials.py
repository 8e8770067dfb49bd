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
    "reactions:write", "search:read.public", "team:read", "users:read",
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
        self._searchers: dict[str, str] = {}

    def action_token(self, user: str) -> str:
        """A new permission to search for what this user may see; empty where the app may not search."""
        if "search:read.public" not in self.scopes:
            return ""
        token = f"{secrets.randbelow(10**14)}.{secrets.token_hex(16)}"
        self._searchers[token] = user
        return token

    def searcher(self, token: str) -> str:
        """The user that an action token is for. Raises Refused for another token, or one that is over."""
        if token not in self._searchers:
            raise Refused("invalid_action_token")
        return self._searchers[token]

    def end_action_tokens(self) -> None:
        """All action tokens are over, as after a while at Slack."""
        self._searchers.clear()

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
