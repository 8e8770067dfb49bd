"""Takes Slack's message events in: written down before the ack, handled after it.

`receive` asks the database only, so that Slack has its ack in time whatever Slack's own API does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from weakref import WeakValueDictionary

import structlog

from bot.intake import texts
from bot.intake.messages import MessageHandler, PersonUnknown
from bot.intake.pending import PendingEvent, PendingEvents, parse
from bot.timing import STANDARD, BotTiming
from bot.wire.entities import mentioned
from bot.wire.events import MalformedPayload, MessageChange, SlackMessage
from tasks.message import ThreadAddress

log = structlog.get_logger(__name__)


class Intake:
    """The way in for messages."""

    def __init__(
        self, pending: PendingEvents, handler: MessageHandler, timing: BotTiming = STANDARD, *,
        is_watched: Callable[[SlackMessage], bool],
    ) -> None:  # fmt: skip
        """`is_watched`: whether a standing order watches for a message; it asks no one."""
        self._is_watched = is_watched
        self._timing = timing
        self._pending = pending
        self._handler = handler
        self._threads: WeakValueDictionary[ThreadAddress, asyncio.Lock] = WeakValueDictionary()
        self._in_progress: set[str] = set()
        self._tried: dict[str, float] = {}

    async def receive(self, body: object, bot_user: str) -> PendingEvent | None:
        """Write an event down, unless it can't concern us. Raises the database's error: then Slack must not
        be acked, so that it sends the event again."""
        try:
            event = parse(body)
            if event is None or not self._may_concern_us(event, bot_user):
                return None
            return await self._pending.add(body, event, bot_user)
        except (MalformedPayload, ValueError) as problem:
            log.warning("payload not understood, acked and dropped", problem=str(problem))
            return None

    async def process(self, pending: PendingEvent | None) -> None:
        """Handle an event, after those of its thread that came before it."""
        if pending is None or pending.id in self._in_progress:
            return
        self._in_progress.add(pending.id)
        try:
            async with self._threads.setdefault(pending.event.thread, asyncio.Lock()):
                await self._handle(pending)
        finally:
            self._in_progress.discard(pending.id)

    @asynccontextmanager
    async def retrying(self) -> AsyncIterator[None]:
        """Until the block ends, handle again what could not be handled here or in a process that is gone."""
        closing = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._retry(closing))
            try:
                yield
            finally:
                closing.set()

    async def _handle(self, pending: PendingEvent) -> None:
        try:
            await self._handler.handle(pending.event, pending.bot_user)
        except PersonUnknown:
            log.warning("writer not known to Slack now, tried again", ts=pending.event.ts)
            if pending.id not in self._tried and isinstance(pending.event, SlackMessage):
                await self._handler.whisper(pending.event, texts.PERSON_UNKNOWN_YET)
            self._tried[pending.id] = time.time()
        except Exception:
            log.exception("message not handled, tried again", ts=pending.event.ts)
            self._tried[pending.id] = time.time()
        else:
            self._tried.pop(pending.id, None)
            await self._pending.remove(pending)

    async def _retry(self, closing: asyncio.Event) -> None:
        """Return when `closing` is set. A cancellation would leave a database connection open."""
        age = 0.0  # what is there now, a process that is gone has left
        while not closing.is_set():
            try:
                for pending in await self._pending.older_than(age):
                    await self._try_again(pending)
                age = self._timing.event_retry
            except Exception:
                log.exception("could not look for unhandled messages")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timing.event_retry):
                    await closing.wait()

    async def _try_again(self, pending: PendingEvent) -> None:
        """The longer it is in vain, the rarer."""
        now = time.time()
        if now - pending.at > self._timing.event_life:
            log.error("message given up", ts=pending.event.ts, channel=pending.event.thread.channel)
            self._tried.pop(pending.id, None)
            await self._pending.remove(pending)
        elif now - self._tried.get(pending.id, 0.0) >= max(self._timing.event_retry, (now - pending.at) / 4):
            await self.process(pending)

    def _may_concern_us(self, event: SlackMessage | MessageChange, bot_user: str) -> bool:
        """False for our own messages, top-level messages without a mention that no standing order watches
        for, and changes that change no words."""
        if isinstance(event, MessageChange):
            now = event.now
            return now is None or not (now.content == event.before or now.by_bot or now.user == bot_user)
        if bot_user in (event.user, event.sender):
            return False
        return (
            event.is_direct or event.is_reply or bot_user in mentioned(event.text) or self._is_watched(event)
        )
