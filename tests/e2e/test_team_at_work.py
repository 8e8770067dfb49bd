"""A team on real containers: eight workers stopped at once, a question over a restart, measured facts.

Needs Docker and its image (the tests of `tests/integration` make it). All parts are real, over sockets.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bot.controls.texts import NOT_MY_BUTTON
from bot.thread.blocks import SOURCES
from playground.slack import SlackStandIn
from sandbox.engine import DockerEngine
from sandbox.owner import Owner
from tasks.task import State
from tests.support.scripted_model import Asked, Call, Reply, Roles, Say, ScriptedModel, Turn
from tests.support.stack import ADA, GENERAL, MEI, Stack, stack

LINGER = "import time\nprint('begun', flush=True)\ntime.sleep(100)"


def run(code: str) -> Call:
    return Call("execute_python_code", {"code": code})


def worker(brief: str) -> Call:
    return Call("create_worker", {"task_description": brief, "title": brief})


async def containers(bot: Stack) -> list[str]:
    """The states of this bot's containers, as Docker has them now."""
    async with DockerEngine() as engine:
        mine = bot.server.sandbox.owner
        return [str(found["State"]) for found in await engine.listed() if Owner.of(found) == mine]


async def test_a_stop_in_the_middle_of_eight_workers_leaves_nothing_behind(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    briefs = [worker(f"Part {number}") for number in range(8)]
    script = Roles([Turn(calls=tuple(briefs))], [run(LINGER) for _ in range(8)])
    async with ScriptedModel(script) as model:
        async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
            ts = await bot.ask("@Handoff do all eight")
            await slack.wait_for(lambda _: _begun(bot, ts) == 8, timeout=60)
            assert (await containers(bot)).count("running") == 8
            await bot.ask("stop", thread_ts=ts, user=ADA)
            task = await bot.task(ts)
            async with asyncio.timeout(30):  # they would have gone on for 100 s
                while await containers(bot):  # noqa: ASYNC110 (Docker tells of no event we could wait for)
                    await asyncio.sleep(0.1)
            words = bot.said(ts)
        model.assert_complete()
    assert task.state is State.STOPPED
    assert words.count("Stopped") == 1
    assert all(f"Part {number}" in words for number in range(8))


def _begun(bot: Stack, ts: str) -> int:
    rows = [row for plan in bot.plans(ts) for row in plan.rows]
    return sum("begun" in str(row) for row in rows)


def _second_looks(bot: Stack, ts: str) -> int:
    return sum("Second look: Cats" in str(row) for plan in bot.plans(ts) for row in plan.rows)


@pytest.mark.parametrize("by", ["button", "reply"])
async def test_a_question_is_answered_after_a_restart(slack: SlackStandIn, tmp_path: Path, by: str) -> None:
    question = Call("ask_user", {"question": "In which colour?", "options": ["blue", "red"]})
    async with ScriptedModel([question, Say("Painted.")]) as model:
        async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
            ts = await bot.ask("@Handoff paint it")
            await bot.task(ts, State.WAITING)
        asked = next(m for m in slack.state.replies("C0GENERAL", ts) if "In which colour?" in str(m.blocks))
        async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
            if by == "reply":
                await bot.ask("green, please", thread_ts=ts)
            else:
                await slack.click(ADA, "C0GENERAL", asked.ts, "handoff_answer:0")
            await bot.task(ts)
            assert "Painted." in bot.said(ts)
        model.assert_complete()
    assert ("blue" if by == "button" else "green, please") in model.requests[-1].results[0]


async def test_what_was_measured_and_a_second_look_stand_beside_what_was_said(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    long = run("for n in range(3000): print('line', n)")
    failing = run("open('half.csv', 'w').write('a')\nraise SystemExit(3)")
    report = Call("report", {"status": "done", "summary": "All fine.", "files": ["half.csv"]})
    said = Say("The last line is 2,999, and 45,678 lines are lost.")
    draws = run("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.savefig('mine.png')\nprint(42)")
    two = Call("report", {"status": "done", "summary": "42"})
    agrees = Call("report", {"status": "done", "summary": "agrees: 42 by a recount"})
    workers: list[Reply] = [long, failing, report, run("print(42)"), two, draws, agrees]
    script = Roles([worker("Count"), said, said, worker("Cats"), Say("42. A second look agrees.")], workers)
    row_is_shown = asyncio.Event()

    async def answering(asked: Asked) -> Reply | None:
        if asked.is_worker and "You are the second look" in asked.brief:
            await row_is_shown.wait()  # a task that ends at once shows no rows
        return await script.next(asked)

    async with (
        ScriptedModel(answering) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot,
    ):
        ts = await bot.ask("@Handoff count")
        task = await bot.task(ts)
        answer = bot.answers(ts)[0]
        await slack.click(MEI, GENERAL, answer.ts, SOURCES, task.id)
        await slack.wait_for(lambda _: bot.whispers(MEI))
        await slack.click(MEI, GENERAL, answer.ts, SOURCES, "another task")
        await slack.wait_for(lambda _: len(bot.whispers(MEI)) == 2)
        listed, refused = bot.whispers(MEI)
        requests = list(model.requests)

        ts = await bot.ask("@Handoff count the cats and double-check")
        await slack.wait_for(lambda _: _second_looks(bot, ts) == 1)
        row_is_shown.set()
        await bot.task(ts)
        assert _second_looks(bot, ts) == 1
        assert "mine.png" not in [file.name for file in slack.state.files.values()]
    assert script.left() == []
    assert json.loads(model.requests[-1].results[0])["second_look"] == "agrees: 42 by a recount"
    assert "One figure has no source in any run, tool or report: 45,678" in answer.text
    assert requests[-1].last_user.startswith("These figures of your answer have no source")
    assert listed == "*2,999* · Count, run 1: `line 2999`\n*45,678* · no source"
    assert refused == NOT_MY_BUTTON
    worker_report = json.loads(requests[-1].results[0])
    assert (worker_report["facts"]["runs"], worker_report["facts"]["failed_runs"]) == (2, 1)
    assert worker_report["warning"] == "its last run ended with error"
    counted = next(asked for asked in model.requests if asked.is_worker and len(asked.results) == 1).results[
        0
    ]
    assert "line 0\n" in counted
    assert "line 2999" in counted
    assert "line 1500\n" not in counted
    assert "[All of it: /work/w1-stdout.txt]" in counted
