"""Questions and their buttons, verdicts, and clicks on old, used and other people's buttons."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.controls import texts
from bot.thread import texts as thread_texts
from playground.slack import SlackStandIn
from playground.slack.messages import SlackPost
from tasks.store import schema
from tasks.store.database import Database
from tasks.store.ratings import Ratings
from tasks.store.tasks import TaskStore
from tasks.task import State
from tests.support.patient_model import Halting, Patient
from tests.support.scripted_model import Call, ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, Stack, stack

ASK = "@Handoff paint it"
RED = {"question": "Which colour, <@U0MEI0002>?", "options": ["Red", "Blue & green"]}


@pytest_asyncio.fixture
async def patient() -> Patient:
    patient = Patient(Call("ask_user", RED))
    patient.go.set()
    return patient


async def _asked(bot: Stack) -> tuple[str, SlackPost]:
    ts = await bot.ask(ASK)
    await bot.task(ts, State.WAITING)
    return ts, bot.answers(ts)[-1]


async def _closed(bot: Stack, question: SlackPost, hint: str) -> SlackPost:
    """The question once it has its words, no buttons, and the hint."""
    shown = await bot.slack.wait_for(
        lambda s: (m := s.message(GENERAL, question.ts)) and hint in str(m.blocks) and m
    )
    assert isinstance(shown, SlackPost)
    assert shown.blocks[0] == question.blocks[0]
    assert "handoff_answer" not in str(shown.blocks)
    return shown


async def test_a_button_answers_the_question(bot: Stack, patient: Patient) -> None:
    ts, question = await _asked(bot)
    assert "<@U0MEI0002>" not in str(question.blocks)
    assert bot.slack.state.sessions[GENERAL, ts].status == "suspended"
    await bot.slack.click(MEI, GENERAL, question.ts, "handoff_answer:1")
    await bot.task(ts, State.ANSWERED)

    assert "Blue & green" in str(patient.asked[-1].messages)
    shown = await _closed(bot, question, "*Mei Tanaka:* Blue &amp; green")
    assert "Blue &amp; green" in shown.text


async def test_a_long_question_keeps_its_words_and_shows_the_answer(bot: Stack, patient: Patient) -> None:
    words = "Is a < b & c in **this**?\n\n" + "Think of every case there is. " * 120
    patient.replies[:] = [Call("ask_user", RED | {"question": words})]
    _, question = await _asked(bot)
    await bot.slack.click(MEI, GENERAL, question.ts, "handoff_answer:1")

    shown = await _closed(bot, question, "*Mei Tanaka:* Blue &amp; green")
    assert shown.text.startswith("Is a &lt; b &amp; c")


async def test_words_answer_the_question_too(bot: Stack, patient: Patient) -> None:
    ts, question = await _asked(bot)
    await bot.ask("neither: yellow", thread_ts=ts)
    await bot.task(ts, State.ANSWERED)

    assert "neither: yellow" in str(patient.asked[-1].messages)
    await _closed(bot, question, 'Ada Okafor answered: "neither: yellow"')


async def test_a_question_takes_one_answer(bot: Stack, patient: Patient) -> None:
    ts, question = await _asked(bot)
    bot.slack.fail("chat.update", "message_not_found", times=4)
    await bot.ask("yellow", thread_ts=ts)
    await bot.task(ts, State.ANSWERED)
    await bot.slack.click(MEI, GENERAL, question.ts, "handoff_answer:0")
    await bot.slack.wait_for(lambda _: bot.whispers(MEI))

    assert bot.whispers(MEI) == [texts.QUESTION_CLOSED]
    assert len(await bot.server.engine.store.recent()) == 1


async def test_a_second_click_says_who_answered_and_a_double_click_says_nothing(bot: Stack) -> None:
    ts, question = await _asked(bot)
    bot.slack.fail("chat.update", "message_not_found", times=8)  # the buttons stay
    for user in (MEI, MEI, ADA):
        await bot.slack.click(user, GENERAL, question.ts, "handoff_answer:0")
    await bot.slack.wait_for(lambda _: bot.whispers(ADA))

    assert bot.whispers(ADA) == [texts.already_answered("Mei Tanaka")]
    assert bot.whispers(MEI) == []
    await bot.task(ts, State.ANSWERED)


async def test_a_button_of_another_channels_task_does_nothing(bot: Stack) -> None:
    _, question = await _asked(bot)
    foreign = json.dumps({"task": "tsomeoneelse", "attempt": 1, "option": "Red"})
    await bot.slack.click(MEI, GENERAL, question.ts, "handoff_answer:0", foreign)
    await bot.slack.wait_for(lambda _: bot.whispers(MEI))

    assert bot.whispers(MEI) == [texts.NOT_MY_BUTTON]


async def test_a_question_can_be_stopped(bot: Stack) -> None:
    ts, question = await _asked(bot)
    await bot.ask("stop", thread_ts=ts)

    assert (await bot.task(ts)).state is State.STOPPED
    assert "**Stopped by Ada Okafor.**" in bot.said(ts)
    await _closed(bot, question, thread_texts.STOPPED_BEFORE_ANSWER)


async def test_a_question_keeps_its_answer_when_the_task_is_stopped_between_two_starts(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    patient = Halting(Call("ask_user", RED))
    patient.go.set()
    async with ScriptedModel(patient) as model:
        async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
            ts, question = await _asked(bot)
            await slack.click(MEI, GENERAL, question.ts, "handoff_answer:0")
            await _closed(bot, question, "*Mei Tanaka:* Red")
            task = await bot.task(ts, State.RUNNING)
        database = Database(bot.settings.database_url)
        await database.open()
        await TaskStore(database).stop(task.id, "Stopped by ada.")
        await database.close()
        async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
            await bot.task(ts, State.STOPPED)
            await _closed(bot, question, "*Mei Tanaka:* Red")


async def test_a_verdict_is_kept_and_can_be_changed(bot: Stack, patient: Patient) -> None:
    patient.replies.clear()
    ts = await bot.ask(ASK)
    task = await bot.task(ts, State.ANSWERED)
    answer = bot.answers(ts)[0]
    await bot.slack.click(MEI, GENERAL, answer.ts, "handoff_feedback", f"good:{task.id}")
    await bot.slack.wait_for(lambda _: bot.whispers(MEI) == [texts.THANKS])
    await bot.slack.click(MEI, GENERAL, answer.ts, "handoff_feedback", f"bad:{task.id}")
    form = await bot.slack.wait_for(lambda state: state.modals.get(MEI))
    assert form is not None
    await bot.slack.interactions.submit(MEI, form["id"], {"text": {"text": "The year is missing."}})
    ratings = Ratings(bot.server.engine.store.database)
    async with asyncio.timeout(30):
        while not [found for found in await ratings.rated("bad", limit=5) if found.reasons]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    (found,) = await ratings.rated("bad", limit=5)
    assert (found.task.id, found.reasons) == (task.id, ["The year is missing."])
    bot.slack.fail("views.open", "expired_trigger_id")
    await bot.slack.click(MEI, GENERAL, answer.ts, "handoff_feedback", f"bad:{task.id}")
    await bot.slack.wait_for(lambda _: bot.whispers(MEI) == [texts.THANKS] * 2)
    await bot.slack.click(ADA, GENERAL, answer.ts, "handoff_feedback", f"good:{task.id}")
    await bot.slack.wait_for(lambda _: bot.whispers(ADA))

    async with bot.server.engine.store.database.read() as connection:
        rows = await connection.execute(select(schema.verdict.c.user, schema.verdict.c.verdict))
        assert {(row.user, row.verdict) for row in rows} == {(MEI, "bad"), (ADA, "good")}
    assert await ratings.counts() == {"good": 1, "bad": 1}
    assert 'handoff_ratings{rating="bad"} 1.0' in (await bot.server.metrics.page()).decode()


@pytest.mark.parametrize("value", ["good:tsomeoneelse", "splendid", "", "good"])
async def test_a_verdict_on_nothing_of_ours_says_so(bot: Stack, patient: Patient, value: str) -> None:
    patient.replies.clear()
    ts = await bot.ask(ASK)
    await bot.task(ts, State.ANSWERED)
    await bot.slack.click(MEI, GENERAL, bot.answers(ts)[0].ts, "handoff_feedback", value)
    await bot.slack.wait_for(lambda _: bot.whispers(MEI))

    assert bot.whispers(MEI) == [texts.NOT_MY_BUTTON]
