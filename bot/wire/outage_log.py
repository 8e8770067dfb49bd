"""What the operator hears of a time without a way to Slack: a sentence as it begins, a line as it ends.

Never tries anything: `bot.wire.socket_mode` does.
"""

from __future__ import annotations

import time

import structlog

from bot.wire.api_errors import token_refused, unreachable
from bot.wire.client import error_code, is_transient

log = structlog.get_logger(__name__)


class OutageLog:
    """One for all connections: what keeps one of them away mostly keeps the others away too. An outage that
    lasts is logged again after each `reminder` seconds."""

    def __init__(self, reminder: float) -> None:
        self._reminder = reminder
        self._away: set[object] = set()
        self._kind = ""
        self._since = self._told_at = 0.0

    def met(self, connection: object, url: str, fault: Exception) -> None:
        """A connection could not be opened by way of `url`, and will be tried again."""
        now, kind = time.monotonic(), error_code(fault)
        if not self._away:
            self._since = now
        if not self._away or kind != self._kind or now - self._told_at >= self._reminder:
            self._kind, self._told_at = kind, now
            log.error(_sentence(url, fault))
        self._away.add(connection)

    def over(self, connection: object) -> None:
        """A connection was opened."""
        if connection in self._away:
            self._away.discard(connection)
            if not self._away:
                log.info("connected to Slack again", away_seconds=round(time.monotonic() - self._since))


def _sentence(url: str, fault: Exception) -> str:
    word = error_code(fault)
    if not word:
        return unreachable(url, fault)
    if is_transient(fault):
        return f"Slack opens no connection for now: it answers {word}. It is tried again."
    return token_refused("SLACK_APP_TOKEN", word)
