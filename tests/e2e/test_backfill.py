"""Messages from a time without a connection: the bot finds all of them, in every form, once."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from bot.intake.backfill import conversations
from bot.wire.client import SlackClient
from playground.slack import SlackStandIn
from playground.slack.world import Channel
from tasks.files.removal import Removal
from tasks.files.thread_files import ThreadFolders
from tasks.store.key_value import KeyValueStore
from tasks.task import State
from tests.support.postgres import Postgres
from tests.support.scripted_model import ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, PATIENCE, Stack, stack
from tests.support.timing import BOT_TIMING

ASK = "@Handoff what is the answer?"


async def _asked(bot: Stack) -> str:
    ts = await bot.ask(ASK)
    await bot.task(ts, State.ANSWERED)
    return ts


async def test_a_reply_that_was_also_sent_to_the_channel_is_found(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
        thread = await _asked(bot)
        first = await bot.task(thread)
    slack.people.post(ADA, GENERAL, "and another one", thread_ts=thread, broadcast=True)
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
        task = await bot.task(thread, State.ANSWERED, after=first)

    assert task.request == "and another one"


async def test_a_busy_channel_is_read_to_its_end(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
        await _asked(bot)
    missed = await slack.post(ADA, GENERAL, ASK)
    for number in range(450):
        await slack.post(MEI, GENERAL, f"nothing for a bot {number}")
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
        assert (await bot.task(missed)).state is State.ANSWERED


@pytest.mark.parametrize("method", ["auth.test", "users.conversations", "conversations.history"])
async def test_a_slack_that_comes_back_slowly_is_asked_again(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path, method: str
) -> None:
    timing = replace(BOT_TIMING, ping=0.5, connection_check=0.01, backfill_retry=0.1)
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0, timing=timing) as bot:
        await _asked(bot)
        slack.drop_sockets()
        missed = await slack.post(MEI, GENERAL, "@Handoff nobody hears this")
        slack.fail(method, status=500, times=9)

        assert (await bot.task(missed)).state is State.ANSWERED


async def test_the_head_of_a_thread_is_no_news_when_it_was_forgotten(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    timing = replace(BOT_TIMING, backfill_overlap=0.0)
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0, timing=timing) as bot:
        thread = await _asked(bot)
        first = await bot.task(thread)
        await bot.ask("and another one", thread_ts=thread)
        await bot.task(thread, State.ANSWERED, after=first)
        database = bot.server.engine.store.database
        await Removal(database, ThreadFolders(tmp_path / "work")).tasks([first.id])
        await KeyValueStore(database).put("slack", "connected", time.time())
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0, timing=timing) as bot:
        await slack.wait_for(lambda _: [c for c in slack.calls if c.method == "conversations.replies"])
        await asyncio.sleep(1)
        requests = [task.request for task in await bot.server.engine.store.recent()]

    assert requests == ["and another one"]


async def test_a_database_that_is_away_while_slack_is_there_does_not_end_the_bot(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path, own_postgres: Postgres, own_postgres_url: str
) -> None:
    """The note that we are connected is written every few seconds, so an outage always meets it."""
    timing = replace(BOT_TIMING, connection_check=0.1, presence=0.0)
    async with stack(
        slack, model.base_url, tmp_path, sandbox_pool=0, database_url=own_postgres_url, timing=timing
    ) as bot:
        await _asked(bot)
        with capture_logs() as lines:
            try:
                await asyncio.to_thread(own_postgres.stop)
                async with asyncio.timeout(PATIENCE):
                    while "Slack heartbeat not written" not in {one["event"] for one in lines}:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
            finally:
                await asyncio.to_thread(own_postgres.start)
        await _asked(bot)


async def test_what_was_written_without_a_bot_is_read_in_http_mode(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0, socket_mode=False) as bot:
        values = KeyValueStore(bot.server.engine.store.database)
        async with asyncio.timeout(PATIENCE):
            while await values.get("slack", "connected") is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    missed = await slack.post(MEI, GENERAL, ASK)
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0, socket_mode=False) as bot:
        assert (await bot.task(missed)).state is State.ANSWERED


async def test_what_was_refused_for_longer_than_slack_repeats_it_is_read(
    model: ScriptedModel, tmp_path: Path
) -> None:
    timing = replace(BOT_TIMING, connection_check=0.1, backfill_retry=0.1)
    async with (
        SlackStandIn(retry_delays=(), ack_deadline=1) as slack,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, timing=timing) as bot,
    ):
        database = bot.server.engine.store.database
        async with database.write() as connection:
            await connection.execute(text("ALTER TABLE kept RENAME TO away"))
        refused = await slack.post(MEI, GENERAL, ASK)
        await slack.acknowledged()
        async with database.write() as connection:
            await connection.execute(text("ALTER TABLE away RENAME TO kept"))

        assert (await bot.task(refused)).state is State.ANSWERED


async def test_all_conversations_are_read_those_with_the_newest_tasks_first(slack: SlackStandIn) -> None:
    bot = slack.bot_user_id
    many = [Channel(f"C0MANY{number}", f"many-{number}", members=frozenset({bot})) for number in range(250)]
    for channel in many:
        slack.state.put_channel(channel)
    client = SlackClient(slack.bot_token, slack.api_url)
    found = [one["id"] for one in await conversations(client, {"C0MANY220": -1, GENERAL: 0})]

    assert found[:2] == [GENERAL, "C0MANY220"]
    assert {channel.id for channel in many} <= set(found)
