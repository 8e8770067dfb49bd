"""The main job, whole: a mention in Slack comes back as work done. Needs Docker and the sandbox image."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from bot.tools.action_tokens import ActionTokens
from playground.demo_model import DemoModel
from playground.slack import SlackStandIn
from tasks.store.key_value import KeyValueStore
from tasks.task import State
from tests.support.stack import ADA, GENERAL, MEI, stack

DATA = "C0DATA001"
HELLO = "@Handoff Execute hello world in Python"
THREE = (
    "@Handoff three independent parts:\n1. compute the first 10 primes\n2. draw a sine wave\n3. simulate pi"
)


async def test_hello_world_is_run_and_its_output_reported(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    async with stack(slack, demo.base_url, tmp_path, sandbox_pool=2) as bot:
        ts = await bot.ask(HELLO)
        task = await bot.task(ts, State.ANSWERED)

        assert "Hello, World!" in bot.said(ts)
        assert len(bot.thread(ts)) == 1, "one calm message"
        await slack.wait_for(lambda _: _marks(slack, ts) == ["white_check_mark"])
        assert (task.workers, task.request) == (1, "Execute hello world in Python")


def _marks(slack: SlackStandIn, ts: str) -> list[str]:
    asked = slack.state.message(GENERAL, ts)
    assert asked is not None
    return [reaction.name for reaction in asked.reactions]


async def test_three_parts_are_three_workers_at_the_same_time(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    async with stack(slack, demo.base_url, tmp_path) as bot:
        ts = await bot.ask(THREE)
        task = await bot.task(ts, State.ANSWERED)
        events = await bot.server.engine.store.events(task.id)

        (plan,) = bot.plans(ts)
        assert [row.status for row in plan.rows] == ["complete"] * 3
        assert "2 3 5 7 11 13 17 19 23 29" in bot.said(ts)
        began = [e["at"] for e in events if e["agent"] and e["kind"] == "opening"]
        ended = [e["at"] for e in events if e["agent"] and e["kind"] == "ended"]
        assert len(began) == 3
        assert max(began) < min(ended), "each worker had begun before the first one ended"


async def test_a_picture_and_its_chart_come_back_into_the_thread(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    async with stack(slack, demo.base_url, tmp_path) as bot:
        ts = await bot.ask("@Handoff Bar chart: apples 3, pears 5")
        await bot.task(ts, State.ANSWERED)

        (answer,) = bot.thread(ts)
        shared = [
            slack.state.files[block["slack_file"]["id"]]
            for block in answer.blocks
            if block["type"] == "image"
        ]
        assert [file.mimetype for file in shared] == ["image/png"]
        assert shared[0].data.startswith(b"\x89PNG")
        (chart,) = [block for block in answer.blocks if block["type"] == "data_visualization"]
        assert chart["chart"]["axis_config"]["categories"] == ["apples", "pears"]
        assert [point["value"] for point in chart["chart"]["series"][0]["data"]] == [3, 5]


async def test_an_attached_table_is_read(slack: SlackStandIn, demo: DemoModel, tmp_path: Path) -> None:
    table = b"region,amount\nnorth,10\nsouth,32\nnorth,5\n"
    async with stack(slack, demo.base_url, tmp_path) as bot:
        file = await slack.upload(ADA, "sales.csv", table)
        ts = await bot.ask("@Handoff the total by region of the attached file", files=[file])
        task = await bot.task(ts, State.ANSWERED)

        said = bot.said(ts)
        assert "north" in said, task
        assert "15" in said
        assert "32" in said

        await slack.post(MEI, DATA, "Is the export down?")
        ts = await bot.ask("@Handoff summarise #data since Monday, with who asked what")
        task = await bot.task(ts, State.ANSWERED)
        assert "#data" in bot.said(ts)
        assert "Mei Tanaka: Is the export down?" in bot.said(ts)
        assert task.workers == 0
        tokens = ActionTokens(KeyValueStore(bot.server.engine.store.database))
        token = await tokens.of(task.id)
        assert slack.credentials.searcher(token) == ADA
        # A message that turns out to belong to the task brings a newer one.
        await tokens.keep("t of no task", "newer")
        await tokens.move("t of no task", task.id, "newer")
        assert [await tokens.of(id_) for id_ in ("t of no task", task.id)] == ["", "newer"]


async def test_twin_deliveries_and_a_second_message_are_one_task(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    async with stack(slack, demo.base_url, tmp_path) as bot:
        ts = await bot.ask(HELLO)
        await bot.task(ts, State.ANSWERED)
        tasks = await bot.server.engine.store.recent()

        assert len(tasks) == 1, "app_mention and message tell of one post"
        answers = [m for m in bot.thread(ts) if m.stream is None]
        assert len(answers) == 1


async def test_a_thread_goes_on_without_a_mention_and_remembers(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    async with stack(slack, demo.base_url, tmp_path) as bot:
        ts = await bot.ask(HELLO)
        first = await bot.task(ts, State.ANSWERED)
        await bot.ask("and the first 5 primes, please", thread_ts=ts)
        second = await bot.task(ts, State.ANSWERED, after=first)

        events = await bot.server.engine.store.events(second.id)
        opening = next(e["body"]["turns"] for e in events if e["kind"] == "opening" and not e["agent"])
        assert [turn["who"] for turn in opening] == ["user", "assistant", "user", "user"]
        assert "workers had reported" in opening[2]["text"]
        assert "Hello, World!" in opening[1]["text"]
        assert "2 3 5 7 11" in bot.said(ts)


async def test_a_thread_is_remembered_after_a_restart(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path
) -> None:
    async with stack(slack, demo.base_url, tmp_path) as bot:
        ts = await bot.ask(HELLO)
        first = await bot.task(ts, State.ANSWERED)
    async with stack(slack, demo.base_url, tmp_path) as bot:
        await bot.ask("again, please", thread_ts=ts)
        second = await bot.task(ts, State.ANSWERED, after=first)
        events = await bot.server.engine.store.events(second.id)
        opening = next(e["body"]["turns"] for e in events if e["kind"] == "opening" and not e["agent"])
        assert "Hello, World!" in opening[1]["text"]


async def test_only_a_mention_gets_help_once(slack: SlackStandIn, demo: DemoModel, tmp_path: Path) -> None:
    async with stack(slack, demo.base_url, tmp_path) as bot:
        ts = await bot.ask("@Handoff")
        await slack.wait_for(lambda _: "Mention me with a task" in bot.said(ts))
        await asyncio.sleep(0.5)

        assert len(bot.thread(ts)) == 1
        assert await bot.server.engine.store.recent() == []


async def test_nothing_of_ours_is_left_behind(slack: SlackStandIn, demo: DemoModel, tmp_path: Path) -> None:
    import docker

    async with stack(slack, demo.base_url, tmp_path, sandbox_pool=2) as bot:
        ts = await bot.ask(HELLO)
        await bot.task(ts, State.ANSWERED)
        owner = bot.server.sandbox.owner.label
    client = docker.from_env()
    try:
        for _ in range(300):  # the engine removes them on its own time
            left = [c for c in await _containers(client) if c.labels.get("handoff.sandbox") == owner]
            if not left:
                break
            await asyncio.sleep(0.1)
        assert left == []
    finally:
        client.close()


async def _containers(client: Any) -> list[Any]:
    return await asyncio.to_thread(client.containers.list, all=True, ignore_removed=True)
