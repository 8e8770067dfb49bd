"""Whom a reply without a mention is for, when more than one person writes in a thread."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.intake import texts
from tasks.task import State
from tests.support.patient_model import Patient
from tests.support.scripted_model import Call
from tests.support.stack import ADA, GENERAL, MEI, PATIENCE, Stack
from tests.support.timing import BOT_TIMING, TASK_TIMING

ASK = "@Handoff what is the answer?"
DIEGO = "U0DIEGO03"


@pytest.fixture(autouse=True)
def go(patient: Patient) -> None:
    patient.go.set()


async def _answered(bot: Stack, ts: str, count: int) -> None:
    """Wait until the thread has so many answers, and nothing goes on."""
    await bot.slack.wait_for(lambda _: len(bot.answers(ts)) == count, timeout=PATIENCE)
    await bot.task(ts)


async def _tasks(bot: Stack) -> int:
    return len(await bot.server.engine.store.recent())


async def _acked(bot: Stack) -> None:
    """Wait until what was written before has been taken in: another thread's task comes after it."""
    other = await bot.ask(ASK, user=DIEGO, channel="C0DATA001")
    await bot.task(other, channel="C0DATA001")


async def test_with_two_people_in_the_thread_a_mention_is_waited_for(bot: Stack) -> None:
    ts = await bot.ask(ASK)
    await _answered(bot, ts, 1)
    await bot.ask("interesting", thread_ts=ts, user=MEI)
    await _acked(bot)  # two messages at the same moment come in either order
    await bot.ask("and what do you make of it?", thread_ts=ts)
    await bot.slack.wait_for(lambda _: bot.whispers())
    await bot.ask("I would double it", thread_ts=ts)
    await _acked(bot)
    assert (bot.whispers(), bot.whispers(MEI)) == ([texts.MENTION_ME], [])
    assert await _tasks(bot) == 3
    await bot.ask("@Handoff double it", thread_ts=ts)
    await _answered(bot, ts, 2)
    await bot.ask("@Handoff and halve it", thread_ts=ts, user=MEI)
    await _answered(bot, ts, 3)


async def test_another_person_s_reply_is_not_ours_while_the_first_is_there(bot: Stack) -> None:
    ts = await bot.ask(ASK)
    await _answered(bot, ts, 1)
    await bot.ask("nice, is lunch at noon?", thread_ts=ts, user=MEI)
    await _acked(bot)

    assert await _tasks(bot) == 2
    assert bot.whispers(MEI) == []


@pytest.mark.parametrize("timing", [replace(BOT_TIMING, tasks=replace(TASK_TIMING, quiet=0.3))])
async def test_who_has_been_quiet_since_our_reply_does_not_count(bot: Stack) -> None:
    ts = await bot.ask(ASK)
    await _answered(bot, ts, 1)
    await bot.ask("interesting", thread_ts=ts, user=MEI)
    await asyncio.sleep(0.4)
    await bot.ask("is it?", thread_ts=ts)
    await bot.slack.wait_for(lambda _: bot.whispers())  # quiet, but since nobody has answered her
    await bot.ask("@Handoff is it?", thread_ts=ts)
    await _answered(bot, ts, 2)
    await asyncio.sleep(0.4)
    await bot.ask("and why?", thread_ts=ts)
    await _answered(bot, ts, 3)


async def test_who_talked_before_we_were_asked_counts(bot: Stack) -> None:
    ts = await bot.ask("what was it again?", user=MEI)
    await bot.ask(ASK, thread_ts=ts)
    await _answered(bot, ts, 1)
    await bot.ask("that was it", thread_ts=ts)
    await bot.slack.wait_for(lambda _: bot.whispers())

    assert bot.whispers() == [texts.MENTION_ME]
    assert await _tasks(bot) == 1


async def test_an_open_question_is_answered_by_who_was_asked(bot: Stack, patient: Patient) -> None:
    patient.replies.append(Call("ask_user", {"question": "Which year?"}))
    ts = await bot.ask(ASK)
    await bot.task(ts, State.WAITING)
    await bot.ask("hm, which one?", thread_ts=ts, user=MEI)
    await bot.ask("2024", thread_ts=ts)
    await bot.task(ts, State.ANSWERED)

    assert "2024" in str(patient.asked[-1].messages)
    assert "hm, which one?" not in str(patient.asked[-1].messages)


@pytest.mark.parametrize("way", ["!mute", "set follow-ups off"])
async def test_an_open_question_is_answered_in_words_where_a_mention_is_waited_for(
    bot: Stack, patient: Patient, way: str
) -> None:
    patient.replies.append(Call("ask_user", {"question": "Which year?"}))
    ts = await bot.ask(ASK)
    await bot.task(ts, State.WAITING)
    if way == "!mute":
        await bot.ask(way, thread_ts=ts)
    else:
        await bot.slack.slash(ADA, GENERAL, "handoff", way)
    await bot.slack.wait_for(lambda _: bot.whispers())
    await bot.ask("2024", thread_ts=ts)
    await bot.task(ts, State.ANSWERED)
    assert "2024" in str(patient.asked[-1].messages)

    await bot.ask("and 2025?", thread_ts=ts)
    await _acked(bot)
    assert (await bot.task(ts)).request == "what is the answer?"


async def test_a_mute_holds_in_a_direct_message_too(bot: Stack, patient: Patient) -> None:
    direct = "D0ADA0001"
    ts = await bot.ask("what is the answer?", channel=direct)
    await bot.task(ts, State.ANSWERED, channel=direct)
    await bot.ask(f"<@{MEI}> wants it short", channel=direct, thread_ts=ts)
    await bot.slack.wait_for(lambda _: len(bot.answers(ts, direct)) == 2)
    await bot.ask("!mute", channel=direct, thread_ts=ts)
    await bot.slack.wait_for(lambda _: bot.whispers())
    await bot.ask("a note to myself", channel=direct, thread_ts=ts)
    await _acked(bot)
    assert len(bot.answers(ts, direct)) == await _tasks(bot) - 1 == 2

    await bot.ask("!unmute", channel=direct, thread_ts=ts)
    await bot.slack.wait_for(lambda _: len(bot.whispers()) == 2)
    await bot.ask("make it long", channel=direct, thread_ts=ts)
    await bot.slack.wait_for(lambda _: len(bot.answers(ts, direct)) == 3)


async def test_a_channel_can_have_everybody_heard(bot: Stack, patient: Patient) -> None:
    await bot.slack.slash(ADA, GENERAL, "handoff", "set follow-ups all")
    await bot.slack.wait_for(lambda _: any("`follow-ups` is *all*" in words for words in bot.whispers()))
    ts = await bot.ask(ASK)
    await _answered(bot, ts, 1)
    await bot.ask(f"<@{ADA}> did you see?", thread_ts=ts, user=MEI)
    await bot.ask("make it short", thread_ts=ts, user=MEI)
    await _answered(bot, ts, 2)

    assert "make it short" in patient.heard
    assert await _tasks(bot) == 2


async def test_a_stop_is_heard_whichever_person_is_there(bot: Stack, patient: Patient) -> None:
    patient.go.clear()
    ts = await bot.ask(ASK)
    await patient.was_asked()
    await bot.ask("interesting", thread_ts=ts, user=MEI)
    await bot.ask("stop", thread_ts=ts)
    await bot.task(ts, State.STOPPED)
