"""Stop, in each of its forms: who may, what follows, and what is not a stop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.controls import texts as controls_texts
from bot.intake import texts
from playground.slack import SlackStandIn
from tasks.task import State
from tests.support.patient_model import Halting, Patient
from tests.support.scripted_model import Call, ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, Stack, stack, words_of
from tests.support.timing import BOT_TIMING

ASK = "@Handoff what is the answer?"
DIEGO = "U0DIEGO03"


async def _running(bot: Stack, patient: Patient, user: str = MEI) -> str:
    ts = await bot.ask(ASK, user=user)
    await patient.was_asked()
    await bot.slack.wait_for(lambda _: bot.calls("agents.sessions.setStatus"))
    return ts


def _eyes(bot: Stack, ts: str) -> bool:
    """Whether the request has the sign that it was seen."""
    asked = bot.slack.state.message(GENERAL, ts)
    return asked is not None and asked.reacted("eyes", bot.slack.bot_user_id)


async def _press(bot: Stack, ts: str, form: str) -> None:
    slack = bot.slack
    match form:
        case "session":
            await slack.stop_session(MEI, GENERAL, ts)
        case "slash":
            await slack.slash(MEI, GENERAL, "handoff", "stop")
        case "x" | "octagonal_sign":
            await slack.react(MEI, GENERAL, ts, form)
        case words:
            await bot.ask(words, thread_ts=ts, user=MEI)


@pytest.mark.parametrize(
    "form", ["stop", "Stop.", "STOP!!!", "!stop", "@Handoff stop", "session", "slash", "x", "octagonal_sign"]
)
async def test_every_form_stops_the_task_and_says_so_once(bot: Stack, patient: Patient, form: str) -> None:
    ts = await _running(bot, patient)
    await _press(bot, ts, form)
    task = await bot.task(ts)

    assert task.state is State.STOPPED
    assert bot.said(ts).startswith("**Stopped by Mei Tanaka.**")
    assert len(bot.answers(ts)) == 1
    assert len(await bot.server.engine.store.recent()) == 1
    assert bot.slack.state.sessions[GENERAL, ts].status == "active"


async def test_stop_the_deploy_is_not_stop(bot: Stack, patient: Patient) -> None:
    ts = await _running(bot, patient)
    await bot.ask("stop the deploy, please", thread_ts=ts, user=MEI)
    patient.go.set()
    task = await bot.task(ts)

    assert task.state is State.ANSWERED


@pytest.mark.parametrize("form", ["stop", "x"])
async def test_others_may_not_stop_it_and_hear_why(bot: Stack, patient: Patient, form: str) -> None:
    ts = await _running(bot, patient)
    if form == "stop":
        await bot.ask("stop", thread_ts=ts, user=DIEGO)
    else:
        await bot.slack.react(DIEGO, GENERAL, ts, form)
    await bot.slack.wait_for(lambda _: bot.whispers(DIEGO))

    assert bot.whispers(DIEGO) == ["Only Mei Tanaka or a workspace admin can stop this task."]
    patient.go.set()
    assert (await bot.task(ts)).state is State.ANSWERED


async def test_an_admin_may_stop_anybodys_task(bot: Stack, patient: Patient) -> None:
    ts = await _running(bot, patient)
    await bot.ask("stop", thread_ts=ts, user=ADA)

    assert (await bot.task(ts)).reason == "Stopped by Ada Okafor."


async def test_an_admin_of_another_workspace_is_none_here(bot: Stack, patient: Patient) -> None:
    bot.slack.state.put_user(replace(bot.slack.state.users[ADA], team="T0ELSEWHERE"))
    ts = await _running(bot, patient)
    await bot.ask("stop", thread_ts=ts, user=ADA)
    await bot.slack.wait_for(lambda _: bot.whispers(ADA))

    assert "or a workspace admin can stop this task" in bot.whispers(ADA)[0]
    assert (await bot.task(ts, State.RUNNING)).state is State.RUNNING


async def test_a_name_in_a_whisper_is_no_markup(bot: Stack, patient: Patient) -> None:
    bot.slack.state.put_user(replace(bot.slack.state.users[MEI], real_name="<!here> & co"))
    ts = await _running(bot, patient)
    await bot.ask("stop", thread_ts=ts, user=DIEGO)
    await bot.slack.wait_for(lambda _: bot.whispers(DIEGO))

    assert bot.whispers(DIEGO)[0].startswith("Only &lt;!here&gt; &amp; co or")


async def test_everybody_may_where_the_operator_says_so(
    slack: SlackStandIn, patient: Patient, tmp_path: Path
) -> None:
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, allow_stop="thread") as bot,
    ):
        ts = await _running(bot, patient)
        await bot.ask("stop", thread_ts=ts, user=DIEGO)
        assert (await bot.task(ts)).state is State.STOPPED


async def test_stop_where_nothing_runs_starts_nothing(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    ts = await bot.ask(ASK)
    await bot.task(ts)
    await bot.ask("stop", thread_ts=ts)
    await bot.slack.wait_for(lambda _: bot.whispers())

    assert bot.whispers() == [texts.NOTHING_TO_STOP]
    assert len(await bot.server.engine.store.recent()) == 1


@pytest.mark.parametrize("place", [GENERAL, "D0MEI0002"])
async def test_stop_outside_a_thread_stops_what_its_writer_has_running_there(
    bot: Stack, patient: Patient, place: str
) -> None:
    others = await bot.ask("@Handoff something else", user=ADA)
    first = await bot.ask(ASK, user=MEI, channel=place)
    await bot.task(first, State.RUNNING, channel=place)
    await bot.ask("@Handoff stop", user=MEI, channel=place)

    assert (await bot.task(first, channel=place)).state is State.STOPPED
    assert (await bot.task(others, State.RUNNING)).user == ADA
    assert bot.whispers(MEI) == []


async def test_of_several_tasks_a_stop_outside_their_threads_chooses_none(
    bot: Stack, patient: Patient
) -> None:
    both = [await bot.ask(ASK, user=MEI) for _ in range(2)]
    for ts in both:
        await bot.task(ts, State.RUNNING)
    await bot.ask("@Handoff stop!", user=MEI)
    await bot.slack.wait_for(lambda _: bot.whispers(MEI))

    assert bot.whispers(MEI) == [texts.several_running(2)]
    assert [(await bot.task(ts, State.RUNNING)).state for ts in both] == [State.RUNNING] * 2


async def test_a_stop_outside_threads_means_what_works_and_not_what_waits(
    bot: Stack, patient: Patient
) -> None:
    patient.replies.append(Call("ask_user", {"question": "Which year?"}))
    patient.go.set()
    asks = await bot.ask(ASK, user=MEI)
    await bot.task(asks, State.WAITING)
    patient.go.clear()
    works = await bot.ask(ASK, user=MEI)
    await bot.task(works, State.RUNNING)
    for ts in (works, asks):
        await bot.ask("@Handoff stop", user=MEI)
        assert (await bot.task(ts)).state is State.STOPPED


async def test_a_task_in_the_queue_can_be_stopped(
    slack: SlackStandIn, patient: Patient, tmp_path: Path
) -> None:
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, limit_workspace_tasks=1) as bot,
    ):
        await _running(bot, patient)
        second = await bot.ask(ASK, user=MEI)
        await bot.task(second, State.QUEUED)
        await bot.ask("stop", thread_ts=second, user=MEI)
        assert (await bot.task(second)).state is State.STOPPED
        patient.go.set()


async def test_stop_is_reported_at_once_though_every_place_is_taken(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    patient = Patient(Call("ask_user", {"question": "Which year?"}))
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, limit_running_tasks=1) as bot,
    ):
        patient.go.set()
        asks = await bot.ask(ASK, user=MEI)
        await bot.task(asks, State.WAITING)
        patient.go.clear()
        works = await _running(bot, patient)
        queued = await bot.ask(ASK, user=MEI)
        await bot.task(queued, State.QUEUED)
        await bot.slack.wait_for(lambda _: _eyes(bot, queued))
        for ts in (queued, asks):
            await bot.ask("stop", thread_ts=ts, user=MEI)
            task = await bot.task(ts, State.STOPPED)
            assert "**Stopped by Mei Tanaka.**\n\nNo worker had begun." in bot.said(ts)
            assert slack.state.sessions[GENERAL, ts].status == "active"
        assert task.id != (await bot.task(works, State.RUNNING)).id
        assert [words_of(answer) for answer in bot.answers(queued)] == [bot.said(queued)]
        assert not _eyes(bot, queued)
        patient.go.set()
        await bot.task(works, State.ANSWERED)
        await asyncio.sleep(0.5)
        assert len(bot.answers(queued)) == 1, "its turn in the queue comes to nothing"


async def test_where_slack_has_no_stop_the_progress_message_has_one(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    timing = replace(BOT_TIMING, status_line=0.3)
    for method in ("chat.startStream", "agents.sessions.setStatus"):
        slack.fail(method, "unknown_method", times=50)
    patient = Halting(Call("plan", {"steps": [{"text": "Think"}]}))
    patient.go.set()
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, timing=timing) as bot,
    ):
        ts = await bot.ask(ASK, user=MEI)
        await slack.wait_for(lambda _: [m for m in bot.thread(ts) if "handoff_stop" in str(m.blocks)])
        await slack.wait_for(lambda _: len(bot.calls("assistant.threads.setStatus")) >= 3)
        (progress,) = bot.thread(ts)
        await slack.click(MEI, GENERAL, progress.ts, "handoff_stop")
        await bot.task(ts, State.STOPPED)

        (summary,) = bot.thread(ts)
        assert words_of(summary).startswith("**Stopped by Mei Tanaka.**")
        assert summary.ts == progress.ts
        assert bot.calls("assistant.threads.setStatus")[-1]["status"] == ""


async def test_the_home_lists_what_runs_and_stops_it(bot: Stack, patient: Patient) -> None:
    ts = await _running(bot, patient)
    await bot.slack.open_home(MEI)
    home = await bot.slack.wait_for(lambda state: state.homes.get(MEI))
    assert home is not None
    assert "what is the answer?" in str(home["blocks"])
    assert f"/archives/{GENERAL}/p{ts.replace('.', '')}" in str(home["blocks"])
    await bot.slack.interactions.click(MEI, None, None, action_id="handoff_home_stop")
    assert (await bot.task(ts)).state is State.STOPPED
    await bot.slack.open_home(MEI)
    await bot.slack.wait_for(lambda state: "Nothing is running" in str(state.homes[MEI]["blocks"]))
    assert "stopped" in str(bot.slack.state.homes[MEI]["blocks"])


async def test_status_and_runs_tell_of_tasks(bot: Stack, patient: Patient) -> None:
    ts = await _running(bot, patient)
    task = await bot.task(ts, State.RUNNING)
    await bot.slack.slash(ADA, GENERAL, "handoff", "status")
    await bot.slack.wait_for(lambda _: bot.whispers())
    await bot.slack.slash(ADA, GENERAL, "handoff", "runs")
    await bot.slack.wait_for(lambda _: len(bot.whispers()) == 2)
    await bot.slack.slash(ADA, GENERAL, "handoff", "help")
    await bot.slack.wait_for(lambda _: len(bot.whispers()) == 3)

    status, runs, usage = bot.whispers()
    assert task.id in status
    assert "running" in status
    assert runs == controls_texts.NO_TASKS_YET
    assert "/handoff &lt;task&gt;" in usage


async def test_the_command_starts_a_task_that_all_can_see(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    await bot.slack.slash(ADA, GENERAL, "handoff", "tell @channel the answer")
    posted = await bot.slack.wait_for(
        lambda s: next((m for m in s.messages if m.user == bot.slack.bot_user_id), None)
    )
    assert posted is not None
    task = await bot.task(posted.ts, State.ANSWERED)

    assert (task.user, task.request) == (ADA, "tell @channel the answer")
    assert posted.text.startswith(f"Task from <@{ADA}>:")
    assert "@channel" not in posted.text
    assert bot.said(posted.ts) == "Done."
