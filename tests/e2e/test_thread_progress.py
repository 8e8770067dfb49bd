"""The plan while it is worked on: rolled before Slack ends it, mended when Slack did, quiet where asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.thread import texts
from bot.timing import BotTiming
from playground.slack import SlackStandIn
from tasks.task import State
from tests.support.patient_model import Halting, Patient
from tests.support.scripted_model import Asked, Call, Reply, Say, ScriptedModel
from tests.support.stack import ADA, GENERAL, Stack, stack, words_of
from tests.support.timing import BOT_TIMING

ASK = "@Handoff do it"


def _plan(*steps: str) -> Call:
    return Call("plan", {"steps": [{"text": step, "status": "in_progress"} for step in steps]})


class Slowly(Patient):
    """One reply every `seconds`."""

    def __init__(self, seconds: float, *replies: Reply) -> None:
        super().__init__(*replies)
        self._seconds = seconds
        self.go.set()

    async def __call__(self, asked: Asked) -> Reply:
        await asyncio.sleep(self._seconds)
        return await super().__call__(asked)


QUICK = replace(BOT_TIMING, progress_stream=0.1)
#: Streams that are updated soon and used for a short time.
SHORT = replace(QUICK, stream_life=0.6)


@asynccontextmanager
async def _bot(
    slack: SlackStandIn, folder: Path, patient: Patient, timing: BotTiming = QUICK
) -> AsyncIterator[Stack]:
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, folder, sandbox_pool=0, timing=timing) as bot,
    ):
        yield bot


async def test_a_long_task_rolls_its_stream_and_leaves_none_open(slack: SlackStandIn, tmp_path: Path) -> None:
    steps = [_plan(*[f"Step {n}" for n in range(count)]) for count in range(2, 7)]
    async with _bot(slack, tmp_path, Slowly(0.4, *steps, Say("Done.")), SHORT) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        assert len(bot.calls("chat.startStream")) >= 2
        (plan,) = bot.plans(ts)
        assert plan.state == "done"
        assert [row.title for row in plan.rows] == [f"Step {n}" for n in range(6)]
        assert plan.title.startswith("Done · ")


async def test_a_plan_that_may_not_be_deleted_says_where_it_goes_on(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    slack.fail("chat.delete", "cant_delete_message", times=20)
    steps = [_plan(*[f"Step {n}" for n in range(count)]) for count in range(2, 5)]
    async with _bot(slack, tmp_path, Slowly(0.4, *steps, Say("Done.")), SHORT) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        assert len(bot.plans(ts)) == 1
        assert {message.text for message in bot.answers(ts)} == {texts.PLAN_CONTINUES_BELOW, "Done."}


async def test_a_stream_that_slack_ended_is_mended_and_begun_again(tmp_path: Path) -> None:
    steps = [_plan(*[f"Step {n}" for n in range(count)]) for count in range(2, 6)]
    async with (
        SlackStandIn(stream_lifetime=0.6) as slack,
        _bot(slack, tmp_path, Slowly(0.4, *steps, Say("Done."))) as bot,
    ):
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        assert not [m for m in bot.thread(ts) if m.stream is not None and m.stream.state == "broken"]
        assert "Step 3" in str([(m.text, m.stream) for m in bot.thread(ts)])
        assert bot.said(ts).endswith("Done.")


async def test_a_plan_that_a_dead_process_left_is_closed_by_the_next(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    patient = Patient(_plan("Step 0", "Step 1"))
    patient.go.set()
    async with _bot(
        slack, tmp_path, Slowly(0.5, _plan("Step 0", "Step 1"), _plan("Step 2"), Say("no"))
    ) as bot:
        ts = await bot.ask(ASK)
        await slack.wait_for(lambda _: bot.plans(ts))
    assert bot.plans(ts)[0].state == "streaming"
    async with _bot(slack, tmp_path, patient) as bot:
        await bot.task(ts, State.ANSWERED)

        assert {plan.state for plan in bot.plans(ts)} == {"done"}
        assert len(bot.answers(ts)) == 1


async def test_a_quiet_channel_sees_the_answer_only(slack: SlackStandIn, tmp_path: Path) -> None:
    async with _bot(slack, tmp_path, Slowly(0.2, _plan("Step 0", "Step 1"), Say("Done."))) as bot:
        await slack.slash(ADA, GENERAL, "handoff", "set progress quiet")
        await slack.wait_for(lambda _: bot.whispers())
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        assert bot.plans(ts) == []
        assert bot.said(ts) == "Done."


async def test_the_title_shows_how_long_nothing_has_happened(slack: SlackStandIn, tmp_path: Path) -> None:
    patient = Halting(_plan("Step 0", "Step 1"))
    patient.go.set()
    async with _bot(slack, tmp_path, patient, replace(QUICK, sign_of_life=0.3)) as bot:
        ts = await bot.ask(ASK)
        await slack.wait_for(lambda _: any("since the last step" in p.title for p in bot.plans(ts)))
        patient.go.set()
        await bot.task(ts, State.ANSWERED)

        stream_calls = [*bot.calls("chat.startStream"), *bot.calls("chat.appendStream")]
        titles = [chunk.get("title", "") for call in stream_calls for chunk in call["chunks"]]
        assert any("1 min since the last step" in title for title in titles)


async def test_a_stream_whose_start_was_never_confirmed_is_closed(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    slack.lose_reply("chat.startStream")
    replies: list[Reply] = [_plan("Step 0", "Step 1"), _plan("Step 0", "Step 2"), Say("Done.")]
    async with _bot(slack, tmp_path, Slowly(0.4, *replies)) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.ANSWERED)

        assert [plan.state for plan in bot.plans(ts)] == ["done"]
        assert bot.said(ts) == "Done."


HIRE = Call("create_worker", {"task_description": "Count the apples.", "title": "Count the apples"})
REPORT = Call("report", {"status": "done", "summary": "There are 12."})
COUNTED = Say("There are 12 apples.")


@pytest.mark.parametrize("restarts", [False, True])
async def test_one_worker_has_a_line_that_becomes_the_answer(
    slack: SlackStandIn, tmp_path: Path, *, restarts: bool
) -> None:
    patient = Halting(HIRE)
    patient.go.set()
    async with _bot(slack, tmp_path, patient) as bot:
        ts = await bot.ask(ASK)
        await slack.wait_for(lambda _: bot.lines(ts))
        (line,) = bot.thread(ts)
        assert line.text.startswith("Count the apples")
        patient.replies += [REPORT, COUNTED]
        if not restarts:
            patient.go.set()
            await bot.task(ts, State.ANSWERED)
    if restarts:
        patient.go.set()
        async with _bot(slack, tmp_path, patient) as bot:
            await bot.task(ts, State.ANSWERED)
    (answer,) = bot.thread(ts)
    assert (answer.ts, words_of(answer)) == (line.ts, "There are 12 apples.")
    assert bot.calls("chat.startStream") == []


async def test_an_old_line_makes_room_for_an_answer_that_notifies(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    patient = Halting(HIRE)
    patient.go.set()
    async with _bot(slack, tmp_path, patient, replace(QUICK, line_life=0.0)) as bot:
        ts = await bot.ask(ASK)
        await slack.wait_for(lambda _: bot.lines(ts))
        (line,) = bot.thread(ts)
        patient.replies += [REPORT, COUNTED]
        patient.go.set()
        await bot.task(ts, State.ANSWERED)
        (answer,) = bot.thread(ts)
        assert (answer.ts != line.ts, words_of(answer)) == (True, "There are 12 apples.")


async def test_a_second_worker_turns_the_line_into_a_plan(slack: SlackStandIn, tmp_path: Path) -> None:
    sort = Call("create_worker", {"task_description": "Sort the apples.", "title": "Sort the apples"})
    patient = Halting(HIRE)
    patient.go.set()
    async with _bot(slack, tmp_path, patient) as bot:
        ts = await bot.ask(ASK)
        await slack.wait_for(lambda _: bot.lines(ts))
        patient.replies += [REPORT, sort]
        patient.go.set()
        await slack.wait_for(lambda _: bot.plans(ts) and not bot.lines(ts))
        (plan,) = bot.plans(ts)
        assert [row.title.partition(" · ")[0] for row in plan.rows] == ["Count the apples", "Sort the apples"]
        patient.replies += [REPORT, COUNTED]
        patient.go.set()
        await bot.task(ts, State.ANSWERED)
        (plan,) = bot.plans(ts)
        assert [row.status for row in plan.rows] == ["complete", "complete"]
        assert bot.lines(ts) == []
        assert [words_of(answer) for answer in bot.answers(ts)] == ["There are 12 apples."]


QUESTION = Call("ask_user", {"question": "All of them?", "options": ["Yes"]})


@pytest.mark.parametrize("restarts", [False, True])
async def test_after_a_question_the_one_plan_goes_on(
    slack: SlackStandIn, tmp_path: Path, *, restarts: bool
) -> None:
    replies: list[Reply] = [_plan("Count the apples", "Draw them"), HIRE, REPORT, QUESTION, Say("Done.")]
    patient = Slowly(0.3, *replies)
    async with _bot(slack, tmp_path, patient) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.WAITING)
        (plan,) = bot.plans(ts)
        assert (plan.state, plan.title) == ("done", "Waiting for an answer")
        if not restarts:
            await _goes_on(bot, ts)
    if restarts:
        async with _bot(slack, tmp_path, patient) as bot:
            await _goes_on(bot, ts)


async def _goes_on(bot: Stack, ts: str) -> None:
    """Answer the question, and look at the plan when all is done: it stands below the answer."""
    answer = await bot.ask("all of them", thread_ts=ts)
    await bot.task(ts, State.ANSWERED)
    (message,) = [m for m in bot.thread(ts) if m.stream is not None and m.stream.rows]
    assert message.stream is not None
    assert message.ts > answer
    assert message.stream.title.startswith("Done · ")
    assert [(row.title, row.status, row.output) for row in message.stream.rows] == [
        ("Count the apples", "complete", "There are 12."),
        ("Draw them", "complete", ""),
    ]


async def test_a_stopped_question_leaves_a_stopped_plan(slack: SlackStandIn, tmp_path: Path) -> None:
    replies: list[Reply] = [_plan("Count the apples", "Draw them"), HIRE, REPORT, QUESTION]
    async with _bot(slack, tmp_path, Slowly(0.3, *replies)) as bot:
        ts = await bot.ask(ASK)
        await bot.task(ts, State.WAITING)
        await bot.ask("stop", thread_ts=ts)
        await bot.task(ts, State.STOPPED)

        (plan,) = [block for m in bot.thread(ts) for block in m.blocks if block["type"] == "plan"]
        assert bot.plans(ts) == []
        assert plan["title"].startswith("Stopped · ")
        assert [(task["title"], task["status"]) for task in plan["tasks"]] == [
            ("Count the apples", "complete"),
            ("Draw them · stopped", "error"),
        ]


async def test_slacks_own_stop_leaves_one_plan_that_says_so(slack: SlackStandIn, tmp_path: Path) -> None:
    patient = Halting(_plan("Count the apples", "Draw them"))
    patient.go.set()
    async with _bot(slack, tmp_path, patient) as bot:
        ts = await bot.ask(ASK)
        await slack.wait_for(lambda _: bot.plans(ts) and (GENERAL, ts) in slack.state.sessions)
        await slack.stop_session(ADA, GENERAL, ts)
        await bot.task(ts, State.STOPPED)

        (answer,) = bot.answers(ts)
        (plan,) = [m for m in bot.thread(ts) if m.user == slack.bot_user_id and m.ts != answer.ts]
        assert "Stopped · " in f"{plan.stream} {plan.blocks}"
        assert "Count the apples · stopped" in f"{plan.stream} {plan.blocks}"
        assert plan.stream is None or plan.stream.state == "done"


async def test_rows_that_were_done_are_there_after_a_restart(slack: SlackStandIn, tmp_path: Path) -> None:
    patient = Halting(_plan("Count the apples", "Draw them"), HIRE, REPORT)
    patient.go.set()
    async with _bot(slack, tmp_path, patient) as bot:
        ts = await bot.ask(ASK)
        await slack.wait_for(lambda _: [p for p in bot.plans(ts) if "12" in p.rows[0].output])
    patient.go.set()
    async with _bot(slack, tmp_path, patient) as bot:
        await bot.task(ts, State.ANSWERED)
        (plan,) = bot.plans(ts)
        assert (plan.state, plan.rows[0].output) == ("done", "There are 12.")
        assert plan.title.startswith("Done · ")
        assert len(bot.answers(ts)) == 1


async def test_an_answer_and_the_tasks_end_wait_for_no_plan(slack: SlackStandIn, tmp_path: Path) -> None:
    """Slack refuses the plan for its rate, and the session: both go on after the task has ended."""
    for method in ("chat.startStream", "agents.sessions.setStatus"):
        slack.fail(method, "ratelimited", status=429, retry_after=300)
    timing = replace(QUICK, listeners=0.0)
    async with _bot(slack, tmp_path, Slowly(0.2, _plan("Step", "Another"), Say("Done.")), timing) as bot:
        ts = await bot.ask(ASK)
        task = await bot.ended(ts)

        assert (task.state, bot.said(ts)) == (State.ANSWERED, "Done.")
        assert bot.server.engine.running == []
        assert {call.method for call in slack.calls} >= {"chat.startStream", "agents.sessions.setStatus"}
