"""Reads the messages that were written while the bot was not connected.

Slack keeps no events for an app that is away. After each gap, the channels and threads of the bot are read
from the last connected moment on; the claim makes double reading harmless.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
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

#: Channels and threads that are read; Slack allows 50 calls a minute for each method.
MOST = 100
_PLACE, _NAME = "slack", "connected"


class Connections(Protocol):
    async def connected(self) -> int: ...


class Backfill:
    """Watches the connections of one process, and reads what was missed."""

    def __init__(
        self, clients: Clients, intake: Intake, queries: TaskQueries, kept: KeyValueStore,
        timing: BotTiming = STANDARD,
    ) -> None:  # fmt: skip
        self._timing = timing
        self._clients = clients
        self._intake = intake
        self._queries = queries
        self._kept = kept

    @asynccontextmanager
    async def watching(self, connections: Connections) -> AsyncIterator[None]:
        """Backfill now and after each gap, until the block ends."""
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch(connections))
            try:
                yield
            finally:
                watch.cancel()

    async def _watch(self, connections: Connections) -> None:
        last = await self._kept.get(_PLACE, _NAME)
        gap_from, beat_at = (float(last) if last else None), 0.0
        while True:
            if await connections.connected():
                if gap_from is not None and not await self._backfill(gap_from):
                    await asyncio.sleep(self._timing.backfill_retry)
                    continue
                gap_from = None
                if time.monotonic() - beat_at >= self._timing.presence:
                    await self._beat()
                    beat_at = time.monotonic()
            elif gap_from is None:
                gap_from = time.time() - self._timing.connection_check
                log.warning("no connection to Slack")
            await asyncio.sleep(self._timing.connection_check)

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
        for channel, is_direct in await _channels(client):
            kind = {"channel_type": "im"} if is_direct else {}
            for message in await _messages(client, "conversations.history", channel, oldest):
                taken += await self._take(message | kind, channel, team, bot_user)
        for thread in await self._queries.threads(
            team=team, since=oldest - self._timing.backfill_longest, limit=MOST
        ):
            more = {"ts": thread.ts}
            for message in await _messages(client, "conversations.replies", thread.channel, oldest, **more):
                taken += await self._take(message, thread.channel, team, bot_user)
        return taken

    async def _take(self, message: dict[str, Any], channel: str, team: str, bot_user: str) -> bool:
        if message.get("user") == bot_user:
            return False
        event = {**message, "type": "message", "channel": channel}
        pending = await self._intake.receive({"team_id": team, "event": event}, bot_user)
        await self._intake.process(pending)
        return pending is not None


async def _channels(client: SlackClient) -> list[tuple[str, bool]]:
    answer = await client.api_call(
        "users.conversations",
        params={"types": "public_channel,private_channel,im,mpim", "exclude_archived": True, "limit": MOST},
        http_verb="GET",
    )
    return [(str(found["id"]), bool(found.get("is_im"))) for found in answer.get("channels") or ()]


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
