"""Reads the messages that were written while the bot was not connected or could not store any.

Slack keeps no events for an app that is away, and repeats a refused one for some minutes only. After each
gap, the channels and threads of the bot are read from the last good moment on; the claim makes double reading
harmless.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import structlog

from bot.intake.intake import Intake
from bot.timing import STANDARD, BotTiming
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text, is_transient
from bot.wire.clients import Clients
from tasks.store.key_value import KeyValueStore
from tasks.store.queries import TaskQueries

log = structlog.get_logger(__name__)

#: Threads that are read; Slack allows 50 calls a minute.
MOST_THREADS = 10_000
_PLACE, _NAME = "slack", "connected"


class Connections(Protocol):
    async def connected(self) -> int: ...


class Backfill:
    """Watches one process, and reads what it missed."""

    def __init__(
        self, clients: Clients, intake: Intake, queries: TaskQueries, kept: KeyValueStore,
        timing: BotTiming = STANDARD,
    ) -> None:  # fmt: skip
        self._timing = timing
        self._clients = clients
        self._intake = intake
        self._queries = queries
        self._kept = kept
        self._refused_since: float | None = None
        #: Conversations that were read since the gap: a retry goes on where the last try failed.
        self._read_already: set[tuple[str, str, str]] = set()

    def refused(self) -> None:
        """A delivery could not be stored."""
        if self._refused_since is None:
            self._refused_since = time.time()
            log.warning("messages refused, they are read when the database is back")

    @asynccontextmanager
    async def watching(self, connections: Connections | None) -> AsyncIterator[None]:
        """Backfill now and after each gap, until the block ends. Without connections, in HTTP mode, a gap is
        the time without a process, or with refused deliveries."""
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch(connections))
            try:
                yield
            finally:
                watch.cancel()

    async def _watch(self, connections: Connections | None) -> None:
        gap_from, beat_at = await self._last_beat(), 0.0
        while True:
            if self._refused_since is not None:
                gap_from = min(gap_from or self._refused_since, self._refused_since)
            if connections is None or await connections.connected():
                if gap_from is not None:
                    # What is refused from here on is another gap.
                    self._refused_since = None
                    if not await self._backfill(gap_from):
                        await asyncio.sleep(self._timing.backfill_retry)
                        continue
                gap_from = None
                self._read_already.clear()
                if time.monotonic() - beat_at >= self._timing.presence:
                    await self._beat()
                    beat_at = time.monotonic()
            elif gap_from is None:
                gap_from = time.time() - self._timing.connection_check
                log.warning("no connection to Slack")
            await asyncio.sleep(self._timing.connection_check)

    async def _last_beat(self) -> float | None:
        """When this or an earlier process was connected last, in seconds since 1970; None at the first start.
        A fault here must not end the bot."""
        while True:
            try:
                last = await self._kept.get(_PLACE, _NAME)
            except Exception:
                log.exception("Slack heartbeat not read, tried again")
                await asyncio.sleep(self._timing.backfill_retry)
            else:
                return float(last) if last else None

    async def _beat(self) -> None:
        """Write down that we are connected. A fault here must not end the bot."""
        try:
            await self._kept.put(_PLACE, _NAME, time.time())
        except Exception:
            log.exception("Slack heartbeat not written")

    async def _backfill(self, since: float) -> bool:
        """Take in what was written since then; False when it has to be tried again."""
        oldest = max(since, time.time() - self._timing.backfill_longest) - self._timing.backfill_overlap
        try:
            return all([await self._read_one(client, oldest) for client in await self._clients.all()])
        except Exception:
            log.exception("backfill failed")
            return False

    async def _read_one(self, client: SlackClient, oldest: float) -> bool:
        """Read one workspace; a fault there must not keep the others from being read."""
        try:
            log.info("backfilled", taken=await self._read(client, oldest))
        except SLACK_ERRORS as fault:
            log.warning("backfill of a workspace failed", why=error_text(fault))
            return not is_transient(fault)
        return True

    async def _read(self, client: SlackClient, oldest: float) -> int:
        """Read one workspace; returns how many messages were taken in."""
        who = await client.auth_test()
        team, bot_user = str(who["team_id"]), str(who["user_id"])
        taken = 0
        threads = await self._queries.threads(
            team=team, since=oldest - self._timing.backfill_longest, limit=MOST_THREADS
        )
        newest = {thread.channel: -place for place, thread in reversed(list(enumerate(threads)))}
        for found in await conversations(client, newest):
            channel, kind = str(found["id"]), {"channel_type": "im"} if found.get("is_im") else {}
            if (team, channel, "") in self._read_already:
                continue
            for message in await _messages(client, "conversations.history", channel, oldest):
                taken += await self._take(message | kind, channel, team, bot_user)
            self._read_already.add((team, channel, ""))
        for thread in threads:
            if (team, thread.channel, thread.ts) in self._read_already:
                continue
            more = {"ts": thread.ts}
            for message in await _messages(client, "conversations.replies", thread.channel, oldest, **more):
                taken += await self._take(message, thread.channel, team, bot_user)
            self._read_already.add((team, thread.channel, thread.ts))
        return taken

    async def _take(self, message: dict[str, Any], channel: str, team: str, bot_user: str) -> bool:
        if message.get("user") == bot_user:
            return False
        event = {**message, "type": "message", "channel": channel}
        pending = await self._intake.receive({"team_id": team, "event": event}, bot_user)
        await self._intake.process(pending)
        return pending is not None


async def conversations(client: SlackClient, newest: Mapping[str, int]) -> list[dict[str, Any]]:
    """All conversations of the bot: those with the newest tasks first, as `newest` orders them, then those
    with the latest change."""
    kinds = "public_channel,private_channel,im,mpim"
    pages = client.items("users.conversations", "channels", types=kinds, exclude_archived=True)
    found = [one async for one in pages if "id" in one]

    def order(one: dict[str, Any]) -> tuple[bool, int, float]:
        changed = one.get("updated")
        place = newest.get(str(one["id"]))
        return place is not None, place or 0, changed if isinstance(changed, int | float) else 0.0

    return sorted(found, key=order, reverse=True)


async def _messages(
    client: SlackClient, method: str, channel: str, oldest: float, **more: Any
) -> list[dict[str, Any]]:
    """Messages since then, oldest first; none of a channel that can't be read. Slack returns the root of a
    thread however old it is."""
    since, news = f"{oldest:.6f}", list[dict[str, Any]]()
    try:
        async for message in client.messages(method, channel=channel, oldest=since, **more):
            if str(message.get("ts")) >= since:
                news.append(message)
    except SLACK_ERRORS as fault:
        if is_transient(fault):
            raise
        log.info("channel not read", channel=channel, why=error_text(fault))
    return sorted(news, key=lambda message: str(message.get("ts")))
