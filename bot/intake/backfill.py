"""Messages that were written while nobody was connected, found by asking Slack.

Slack keeps nothing for an app that is away. After each time without a connection, the channels and threads we
are in are read from the last moment we were there; the claim makes double reading harmless.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import structlog

from bot.intake.intake import Intake
from bot.intake.listeners import MessageListeners
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
        self,
        clients: Clients,
        intake: Intake,
        listeners: MessageListeners,
        queries: TaskQueries,
        kept: KeyValueStore,
        timing: BotTiming = STANDARD,
    ) -> None:
        self._timing = timing
        self._clients = clients
        self._intake = intake
        self._listeners = listeners
        self._queries = queries
        self._kept = kept

    @asynccontextmanager
    async def watching(self, connections: Connections) -> AsyncIterator[None]:
        """Catch up now and after each gap, until the block ends."""
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch(connections))
            try:
                yield
            finally:
                watch.cancel()

    async def _watch(self, connections: Connections) -> None:
        last = await self._kept.get(_PLACE, _NAME)
        gap_from, noted = (float(last) if last else None), 0.0
        while True:
            if await connections.connected():
                if gap_from is not None and not await self._caught_up(gap_from):
                    await asyncio.sleep(self._timing.backfill_retry)
                    continue
                gap_from = None
                if time.monotonic() - noted >= self._timing.presence:
                    await self._note()
                    noted = time.monotonic()
            elif gap_from is None:
                gap_from = time.time() - self._timing.connection_check
                log.warning("no connection to Slack")
            await asyncio.sleep(self._timing.connection_check)

    async def _note(self) -> None:
        """Keep that we are here. Whatever keeps that from being written must not end the bot."""
        try:
            await self._kept.put(_PLACE, _NAME, time.time())
        except Exception:
            log.exception("could not note the connection to Slack")

    async def _caught_up(self, since: float) -> bool:
        """Take in what was written since then; False when it has to be done again."""
        oldest = max(since, time.time() - self._timing.backfill_longest) - self._timing.backfill_overlap
        try:
            return all([await self._read_one(client, oldest) for client in await self._clients.all()])
        except Exception:
            log.exception("could not catch up with Slack")
            return False

    async def _read_one(self, client: SlackClient, oldest: float) -> bool:
        """One workspace's trouble must not keep the others from being read."""
        try:
            log.info("caught up with Slack", taken=await self._read(client, oldest))
        except SLACK_ERRORS as fault:
            log.warning("could not catch up with a workspace", why=error_text(fault))
            return not is_transient(fault)
        return True

    async def _read(self, client: SlackClient, oldest: float) -> int:
        """One workspace."""
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
        received = await self._intake.receive({"team_id": team, "event": event}, bot_user)
        await self._listeners.show(received)
        return received.message is not None


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
    """Messages since then, oldest first; those of a channel that can't be read are passed over. Slack gives
    the head of a thread however old it is."""
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
