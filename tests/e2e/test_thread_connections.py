"""What the bot takes although its connections to Slack end, break or hang."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from playground.slack import SlackStandIn
from tasks.task import State
from tests.support.scripted_model import ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, stack
from tests.support.timing import BOT_TIMING

ASK = "@Handoff what is the answer?"


async def test_what_was_written_while_no_one_was_connected_is_found(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
        thread = await bot.ask(ASK)
        await bot.task(thread, State.ANSWERED)
    missed = await slack.post(MEI, GENERAL, ASK)
    reply = await slack.post(ADA, GENERAL, "and another one", thread_ts=thread)
    idle = await slack.post(ADA, GENERAL, "nothing for a bot")
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
        await bot.task(missed, State.ANSWERED)
        await slack.wait_for(lambda _: len(bot.answers(thread)) == 2)
        requests = [task.message_ts for task in await bot.server.engine.store.recent()]

    assert sorted(requests) == sorted([thread, missed, reply])
    assert idle not in requests


@pytest_asyncio.fixture
async def hasty() -> AsyncIterator[SlackStandIn]:
    """A Slack that soon repeats what was sent on a connection that is no more."""
    async with SlackStandIn(ack_deadline=1, retry_delays=[0.5] * 50) as stand_in:
        yield stand_in


@pytest.mark.parametrize("way", ["broken", "renewed"])
async def test_connections_that_end_lose_nothing(
    hasty: SlackStandIn, model: ScriptedModel, tmp_path: Path, way: str
) -> None:
    async with stack(hasty, model.base_url, tmp_path, sandbox_pool=0) as bot:
        if way == "broken":
            hasty.drop_sockets()
        else:
            await hasty.disconnect("refresh_requested")
        ts = await bot.ask(ASK)
        task = await bot.task(ts)

        assert task.state is State.ANSWERED
        assert len(bot.answers(ts)) == 1


async def test_a_connection_that_only_looks_open_is_noticed(
    hasty: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    timing = replace(BOT_TIMING, ping=0.5)
    async with stack(hasty, model.base_url, tmp_path, sandbox_pool=0, timing=timing) as bot:
        opened = len(bot.calls("apps.connections.open"))
        hasty.drop_sockets(half=True)
        ts = await bot.ask(ASK)
        task = await bot.task(ts)

        assert task.state is State.ANSWERED
        assert len(bot.answers(ts)) == 1
        await hasty.wait_for(lambda _: len(bot.calls("apps.connections.open")) > opened)
