"""What leaves for Slack: no link previews, and none of the bot's own secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from bot.settings.redaction import REDACTED, SHORTEST, secret_patterns

#: A preview has Slack fetch an address that a model wrote, which can carry data out without a click
#: (docs.slack.dev/messaging/unfurling-links-in-messages).
_NO_PREVIEWS = {"unfurl_links": False, "unfurl_media": False}
#: Fields that no one reads, and by which Slack or the bot finds things.
_NOT_CONTENT = {
    "type", "action_id", "block_id", "id", "task_id", "channel", "channel_id", "user", "user_id", "ts",
    "thread_ts", "event_type", "file", "token",
}  # fmt: skip


class OutgoingFilter:
    """Applied to each call of Slack's Web API."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._exact = [secret.encode() for secret in secrets if len(secret) >= SHORTEST]
        patterns = list(secret_patterns(secrets))
        self._secrets = re.compile("|".join(patterns)) if patterns else None

    def apply(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call as they may leave."""
        content: dict[str, Any] = {
            name: self._content(arguments[name]) for name in ("json", "params") if name in arguments
        }
        if method == "chat.postMessage":
            content["json"] = {**content.get("json", {}), **_NO_PREVIEWS}
        return {**arguments, **content}

    def text(self, text: str) -> str:
        return self._secrets.sub(REDACTED, text) if self._secrets else text

    def file(self, data: bytes) -> bytes:
        for secret in self._exact:
            data = data.replace(secret, REDACTED.encode())
        return data

    def _content(self, value: Any, name: str = "") -> Any:
        match value:
            case str() if name not in _NOT_CONTENT:
                return self.text(value)
            case dict():
                return {key: self._content(part, str(key)) for key, part in value.items()}
            case list() | tuple():
                return [self._content(part, name) for part in value]
        return value
