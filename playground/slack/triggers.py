"""Trigger ids, which let the bot open a modal shortly after a person's action."""

from __future__ import annotations

import secrets
import time

from playground.slack.errors import Refused

LIFETIME = 3.0
"""Seconds, as Slack documents."""


class Triggers:
    """Each id works for one modal and one person."""

    def __init__(self) -> None:
        self._issued: dict[str, tuple[str, float]] = {}

    def new(self, user: str) -> str:
        trigger = f"{time.time_ns()}.{secrets.randbelow(10**9)}.{secrets.token_hex(16)}"
        self._issued[trigger] = (user, time.monotonic() + LIFETIME)
        return trigger

    def use(self, trigger: str) -> str:
        """The person of a trigger id. Raises Refused if it is unknown, used or expired."""
        if trigger not in self._issued:
            raise Refused("invalid_trigger_id")
        user, until = self._issued.pop(trigger)
        if time.monotonic() > until:
            raise Refused("expired_trigger_id")
        return user
