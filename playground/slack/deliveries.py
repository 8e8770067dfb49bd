"""Delivers payloads to the bot, with deadlines and retries.

The two transports are `socket_mode` and `http_events`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from playground.slack.background import Background
from playground.slack.errors import NotAnswered
from playground.slack.world import Json

_log = logging.getLogger(__name__)

PayloadKind = Literal["events_api", "interactive", "slash_commands"]
NO_CONNECTION = "no connection"
RETRY_DELAYS = (0.0, 60.0, 300.0)
"""Seconds before each retry of an event, as in Slack: at once, after one minute, after five."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt. `attempt` is 0 for the first; `reason` says why the previous one failed."""

    kind: PayloadKind
    payload: Json
    attempt: int = 0
    reason: str = ""


class DeliveryFailed(Exception):
    """An attempt without an acknowledgement. `final` if the bot asked for no retry."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final


class EventTransport(Protocol):
    async def deliver(self, delivery: Delivery, deadline: float) -> Json:
        """Returns the acknowledgement's payload, {} if it has none.

        Raises DeliveryFailed after `deadline` seconds.
        """


class Deliveries:
    """Retries events until they are acknowledged. Sends interactions and commands once, as Slack does."""

    def __init__(
        self, transport: EventTransport, background: Background, deadline: float, delays: Sequence[float]
    ) -> None:
        self.transport = transport
        self._background = background
        self._deadline = deadline
        self._delays = tuple(delays)
        self._open: set[asyncio.Future[None]] = set()

    def send_event(self, payload: Json) -> None:
        done = asyncio.get_running_loop().create_future()
        self._open.add(done)
        done.add_done_callback(self._open.discard)
        self._background.start(self._until_acknowledged(payload, done))

    async def acknowledged(self) -> None:
        """Returns when every event so far was acknowledged or given up."""
        if self._open:
            await asyncio.wait(set(self._open))

    async def deliver_once(self, kind: PayloadKind, payload: Json) -> Json:
        """Delivers once and returns the bot's answer. Raises NotAnswered with a sentence for the person."""
        try:
            return await self.transport.deliver(Delivery(kind, payload), self._deadline)
        except DeliveryFailed as missed:
            if missed.reason == NO_CONNECTION:
                raise NotAnswered("The bot is not connected.") from missed
            sentence = f"The bot did not answer in {self._deadline:g} seconds ({missed.reason})."
            raise NotAnswered(sentence) from missed

    async def _until_acknowledged(self, payload: Json, done: asyncio.Future[None]) -> None:
        try:
            await self._repeat(payload)
        finally:
            done.set_result(None)

    async def _repeat(self, payload: Json) -> None:
        reason = ""
        for attempt, delay in enumerate((0.0, *self._delays)):
            await asyncio.sleep(delay)
            try:
                await self.transport.deliver(Delivery("events_api", payload, attempt, reason), self._deadline)
            except DeliveryFailed as missed:
                reason = missed.reason
                if missed.final:
                    break
            else:
                return
        _log.info("Event %s was not acknowledged (%s).", payload.get("event_id"), reason)
