"""Logs Socket Mode outages: an error when one begins, reminders while it lasts, a line when it ends."""

from __future__ import annotations

import time

import structlog

from bot.wire.api_errors import token_refused, unreachable
from bot.wire.client import error_code, is_transient

log = structlog.get_logger(__name__)


class OutageLog:
    """One log for all connections, which usually fail together. `reminder` is in seconds."""

    def __init__(self, reminder: float) -> None:
        self._reminder = reminder
        self._away: set[object] = set()
        self._kind = ""
        self._since = self._logged_at = 0.0

    def met(self, connection: object, url: str, error: Exception) -> None:
        """A connection to `url` failed and will be retried."""
        now, kind = time.monotonic(), error_code(error)
        if not self._away:
            self._since = now
        if not self._away or kind != self._kind or now - self._logged_at >= self._reminder:
            self._kind, self._logged_at = kind, now
            log.error(_sentence(url, error))
        self._away.add(connection)

    def over(self, connection: object) -> None:
        """A connection is open."""
        if connection in self._away:
            self._away.discard(connection)
            if not self._away:
                log.info("connected to Slack again", away_seconds=round(time.monotonic() - self._since))


def _sentence(url: str, error: Exception) -> str:
    word = error_code(error)
    if not word:
        return unreachable(url, error)
    if is_transient(error):
        return f"Slack opens no connection: it answers {word}. Handoff keeps trying."
    return token_refused("SLACK_APP_TOKEN", word)
