"""Standing orders by talking: proposal, Start, runs, silence, watches, the command and App Home."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.orders.words import START as START_BUTTON
from bot.timing import BotTiming
from playground.slack import SlackStandIn
from playground.slack.messages import SlackPost
from tasks.orders.order import OrderState
from tasks.orders.store import OrderStore
from tests.support.scripted_model import Asked, Call, Reply, Say, ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, Stack, stack
from tests.support.timing import TASK_TIMING, SettableClock

HOUR, DAY = 3600.0, 86_400.0


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest_asyncio.fixture
async def bot(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path, clock: SettableClock
) -> AsyncIterator[Stack]:
    timing = BotTiming(tasks=TASK_TIMING, user_lookup=30.0, line_delay=0.2, orders=0.05)
    async with stack(slack, model.base_url, tmp_path, timing=timing, clock=clock) as running:
        yield running


@pytest_asyncio.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel(_answer) as running:
        yield running


async def _answer(asked: Asked) -> Reply:
    """Proposes what the request names, reports only on the first run, and says what it was asked else."""
    said = asked.last_user
    if "This is a run of the standing order" in said:
        return Say("Nothing to report." if "The last run's answer" in said else "The answer is 42.")
    if asked.messages[-1]["role"] == "tool":
        return Say("Press Start below.")
    if "whenever" in said:
        watch = {"channel": "#general", "task": "Explain the outage.", "pattern": "outage"}
        return Call("create_watch", watch)
    if "every second" in said:
        return Call("create_schedule", {"task": "Spam.", "when": "* * * * *"})
    return Call("create_schedule", {"task": "Post the numbers.", "when": "0 8 * * 1-5", "title": "Numbers"})


async def propose(bot: Stack, text: str) -> SlackPost:
    """Ask for an order; returns the message with Start."""
    ts = await bot.ask(f"@Handoff {text}")
    await bot.task(ts)
    return next(m for m in bot.thread(ts) if START_BUTTON in json.dumps(m.blocks))


async def press_start(bot: Stack, message: SlackPost, user: str = ADA) -> None:
    await bot.slack.click(user, GENERAL, message.ts, START_BUTTON)


def roots(bot: Stack, words: str) -> list[SlackPost]:
    """The bot's first messages of runs in the channel."""
    return [m for m in bot.slack.state.history(GENERAL) if words in m.text and m.thread_ts is None]


async def test_a_schedule_is_proposed_started_by_its_owner_and_runs_in_threads_of_its_own(
    bot: Stack, model: ScriptedModel, clock: SettableClock
) -> None:
    store = OrderStore(bot.server.engine.store.database)
    shown = await propose(bot, "every weekday at 8 post the numbers")
    assert "At 08:00 on Monday through Friday" in shown.text
    assert "500,000 tokens a run" in json.dumps(shown.blocks)
    assert "Wed 2026-12-02 08:00" in json.dumps(shown.blocks)

    await press_start(bot, shown, MEI)
    await bot.slack.wait_for(lambda _: any("Only the person" in said for said in bot.whispers(MEI)))
    assert list(await store.all()) == []

    await press_start(bot, shown)
    await bot.slack.wait_for(lambda _: any("Started by" in str(call) for call in bot.calls("chat.update")))
    (order,) = await store.all()
    clock.now += DAY + HOUR
    (root,) = await bot.slack.wait_for(lambda _: roots(bot, "standing order of"))
    task = await bot.task(root.ts)
    assert task.user == ADA
    assert "The answer is 42." in bot.said(root.ts)
    run = model.requests[-1]
    assert "create_schedule" not in json.dumps(run.body)

    clock.now += DAY
    await bot.slack.wait_for(lambda _: len(model.requests) > 3)
    await bot.slack.wait_for(lambda _: [m.ts for m in roots(bot, "standing order of")] == [root.ts])
    assert "The answer is 42." in model.requests[-1].last_user

    await bot.slack.slash(ADA, GENERAL, "/handoff", "orders")
    await bot.slack.wait_for(lambda _: any(order.id in said for said in bot.whispers()))
    await bot.slack.open_home(ADA)
    await bot.slack.wait_for(lambda state: "Last run: answered" in json.dumps(state.homes.get(ADA, {})))
    assert "This is a run of" not in json.dumps(bot.slack.state.homes[ADA]), "words for the agents"
    await bot.slack.slash(MEI, GENERAL, "/handoff", f"orders run {order.id}")
    await bot.slack.slash(ADA, GENERAL, "/handoff", f"orders pause {order.id}")
    await bot.slack.wait_for(lambda _: "Paused." in bot.whispers())
    found = await store.find(order.id)
    assert found is not None
    assert found.state is OrderState.PAUSED


async def test_a_watch_starts_a_run_in_the_thread_of_a_message_that_matches(
    bot: Stack, model: ScriptedModel
) -> None:
    await press_start(bot, await propose(bot, "whenever someone posts about an outage, explain it"))
    store = OrderStore(bot.server.engine.store.database)
    await bot.slack.wait_for(lambda _: any("Started by" in str(call) for call in bot.calls("chat.update")))
    (order,) = await store.all()
    await bot.ask("who wants lunch?", user=MEI)
    ts = await bot.ask("a big OUTAGE again", user=MEI)
    task = await bot.task(ts)
    assert (task.user, task.message_ts) == (ADA, ts)
    assert "> a big OUTAGE again" in model.requests[-1].last_user
    assert "The answer is 42." in bot.said(ts)
    await bot.ask("which outage?", user=MEI, thread_ts=ts)
    await bot.handled()
    assert [firing.occasion for firing in await store.latest(order.id, 5)] == [ts]


async def test_an_order_that_runs_too_often_is_refused(bot: Stack, model: ScriptedModel) -> None:
    ts = await bot.ask("@Handoff every second spam us")
    await bot.task(ts)
    assert "more often than every 5 minutes" in json.dumps(model.requests[-1].body)
    assert START_BUTTON not in json.dumps([m.blocks for m in bot.thread(ts)])
