"""What people write in a thread, and what becomes of it: mention, reply, mute, edit, delete, another bot."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.controls import texts as controls_texts
from bot.intake import texts as intake_texts
from playground.slack import SlackStandIn
from playground.slack.state import WorkspaceState
from tasks.task import State
from tests.support.patient_model import Patient
from tests.support.scripted_model import Call, ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, Stack, stack

ASK = "@Handoff what is the answer?"
ADA_DM = "D0ADA0001"


async def _wait_for_reaction(bot: Stack, ts: str, name: str) -> None:
    def is_there(state: WorkspaceState) -> bool:
        message = state.message(GENERAL, ts)
        return message is not None and message.reacted(name, bot.slack.bot_user_id)

    await bot.slack.wait_for(is_there)


async def _tasks(bot: Stack) -> int:
    return len(await bot.server.engine.store.recent())


async def test_a_direct_message_needs_no_mention(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    ts = await bot.ask("what is the answer?", channel=ADA_DM)
    await bot.task(ts, State.ANSWERED, channel=ADA_DM)

    assert bot.said(ts, ADA_DM) == "Done."


async def test_a_reply_that_names_another_person_is_not_for_us(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    ts = await bot.ask(ASK)
    await bot.task(ts, State.ANSWERED)
    await bot.ask(f"<@{MEI}> what do you think?", thread_ts=ts)
    await bot.ask("<!here> does anybody know?", thread_ts=ts)
    await bot.ask("and again, please", thread_ts=ts)
    await bot.slack.wait_for(lambda _: len(bot.answers(ts)) == 2)

    assert await _tasks(bot) == 2


async def test_a_thread_we_are_not_in_is_left_alone(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    ts = await bot.ask("shall we have lunch?")
    await bot.ask("yes, at noon", thread_ts=ts, user=MEI)
    other = await bot.ask(ASK)
    await bot.task(other, State.ANSWERED)

    assert bot.thread(ts)[-1].user == MEI
    assert await _tasks(bot) == 1


async def test_a_follow_up_reaches_the_running_task_and_is_marked(bot: Stack, patient: Patient) -> None:
    ts = await bot.ask(ASK)
    await bot.task(ts, State.RUNNING)
    await patient.was_asked()
    follow_up = await bot.ask("make it short", thread_ts=ts)
    await _wait_for_reaction(bot, follow_up, "eyes")
    patient.go.set()
    await bot.task(ts, State.ANSWERED)

    # It came too late for the only turn, so it is the thread's next task.
    await bot.slack.wait_for(lambda _: len(bot.answers(ts)) == 2)
    assert "make it short" in patient.heard
    await bot.slack.wait_for(lambda state: state.sessions[GENERAL, ts].title == "make it short")
    await _wait_for_reaction(bot, follow_up, "white_check_mark")


async def test_a_follow_up_that_was_read_is_marked(bot: Stack, patient: Patient) -> None:
    patient.replies.append(Call("plan", {"steps": [{"text": "Think"}]}))
    ts = await bot.ask(ASK)
    await patient.was_asked()
    follow_up = await bot.ask("make it short", thread_ts=ts)
    await _wait_for_reaction(bot, follow_up, "eyes")
    patient.go.set()
    await _wait_for_reaction(bot, follow_up, "writing_hand")
    await bot.task(ts, State.ANSWERED)

    assert "Ada Okafor: make it short" in patient.heard
    assert await _tasks(bot) == 1


async def test_mute_outside_a_thread_is_no_task(bot: Stack, patient: Patient) -> None:
    await bot.ask("@Handoff !mute", user=MEI)
    await bot.slack.wait_for(lambda _: bot.whispers(MEI))

    assert bot.whispers(MEI) == [intake_texts.MUTE_IN_A_THREAD]
    assert await bot.server.engine.store.recent() == []


async def test_a_muted_thread_waits_for_a_mention_until_it_is_unmuted(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    ts = await bot.ask(ASK)
    await bot.task(ts, State.ANSWERED)
    await bot.ask("!mute", thread_ts=ts)
    await bot.slack.wait_for(lambda _: any("Muted" in words for words in bot.whispers()))
    await bot.ask("talking among ourselves", thread_ts=ts)
    await bot.ask("@Handoff but this is for you", thread_ts=ts)
    await bot.slack.wait_for(lambda _: len(bot.answers(ts)) == 2)
    assert await _tasks(bot) == 2
    await bot.ask("!unmute", thread_ts=ts)
    await bot.slack.wait_for(lambda _: any("Unmuted" in words for words in bot.whispers()))
    await bot.ask("and one more", thread_ts=ts)
    await bot.slack.wait_for(lambda _: len(bot.answers(ts)) == 3)


async def test_a_channel_can_ask_for_mentions_only(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    await bot.slack.slash(ADA, GENERAL, "handoff", "set follow-ups off")
    await bot.slack.wait_for(lambda _: any("`follow-ups` is *off*" in words for words in bot.whispers()))
    ts = await bot.ask(ASK)
    await bot.task(ts, State.ANSWERED)
    await bot.ask("no mention here", thread_ts=ts)
    await bot.ask("@Handoff but here", thread_ts=ts)
    await bot.slack.wait_for(lambda _: len(bot.answers(ts)) == 2)

    assert await _tasks(bot) == 2


async def test_an_edit_of_what_no_one_has_begun_is_taken(
    slack: SlackStandIn, patient: Patient, tmp_path: Path
) -> None:
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, limit_running_tasks=1) as bot,
    ):
        first = await bot.ask(ASK)
        await patient.was_asked()
        second = await bot.ask("@Handoff count the aples")
        await bot.task(second, State.QUEUED)
        await slack.edit(ADA, GENERAL, second, "@Handoff count the apples")
        await bot.handled()
        patient.go.set()
        task = await bot.task(second, State.ANSWERED)

        assert task.request == "count the apples"
        assert "count the apples" in patient.heard
        assert (await bot.task(first)).state is State.ANSWERED


async def test_a_follow_up_is_changed_and_taken_back_until_it_is_read(bot: Stack, patient: Patient) -> None:
    patient.replies.append(Call("plan", {"steps": [{"text": "Think"}]}))
    ts = await bot.ask(ASK)
    await patient.was_asked()
    kept = await bot.ask("make it short", thread_ts=ts)
    gone = await bot.ask("in verse", thread_ts=ts)
    await _wait_for_reaction(bot, gone, "eyes")
    await bot.slack.edit(ADA, GENERAL, kept, "make it long")
    await bot.slack.delete(ADA, GENERAL, gone)
    await bot.handled()
    patient.go.set()
    await bot.task(ts, State.ANSWERED)

    assert "Ada Okafor: make it long" in patient.heard
    assert "make it short" not in patient.heard
    assert "in verse" not in patient.heard
    assert await _tasks(bot) == 1


async def test_an_edit_of_a_running_task_gets_a_note(bot: Stack, patient: Patient) -> None:
    patient.replies += [Call("plan", {"steps": [{"text": "Think"}]}), Call("ask_user", {"question": "Why?"})]
    ts = await bot.ask(ASK, user=MEI)
    await patient.was_asked()
    reply = await bot.ask("make it short", thread_ts=ts, user=MEI)
    await _wait_for_reaction(bot, reply, "eyes")
    patient.go.set()
    await bot.task(ts, State.WAITING)
    for number, edited in enumerate((ts, reply), start=1):
        await bot.slack.edit(MEI, GENERAL, edited, f"@Handoff something else {edited}")
        await bot.slack.wait_for(lambda _, least=number: len(bot.whispers(MEI)) == least)  # type: ignore[misc]
    assert bot.whispers(MEI) == [intake_texts.LATE_EDIT] * 2
    assert "something else" not in (await bot.task(ts, State.WAITING)).request

    await bot.ask("because", thread_ts=ts, user=MEI)
    await bot.task(ts, State.ANSWERED)
    await bot.slack.edit(MEI, GENERAL, ts, "@Handoff it is over anyway")
    await bot.slack.edit(ADA, GENERAL, await bot.ask("between us"), "it was nothing")
    await bot.handled()
    assert bot.whispers(MEI) == [intake_texts.LATE_EDIT] * 2
    assert bot.whispers(ADA) == []


async def test_a_mention_added_by_an_edit_is_a_mention(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    ts = await bot.ask("what is the answer?")
    await bot.slack.edit(ADA, GENERAL, ts, ASK)
    task = await bot.task(ts, State.ANSWERED)

    assert task.request == "what is the answer?"


@pytest.mark.parametrize("has_replies", [False, True])
async def test_deleting_the_request_stops_its_task(bot: Stack, *, has_replies: bool) -> None:
    ts = await bot.ask(ASK)
    await bot.task(ts, State.RUNNING)
    if has_replies:
        await bot.slack.post(MEI, GENERAL, "<@U0DIEGO03> look at this", thread_ts=ts)
    await bot.slack.delete(ADA, GENERAL, ts)
    task = await bot.task(ts)

    assert (task.state, task.reason) == (State.STOPPED, intake_texts.DELETED)
    posts = [*bot.calls("chat.postMessage"), *bot.calls("chat.startStream")]
    assert bool(posts) == has_replies, "a post for a thread that is gone would stand in the channel"


async def test_an_answer_to_a_request_that_was_deleted_unseen_is_posted_nowhere(
    bot: Stack, patient: Patient
) -> None:
    ts = await bot.ask(ASK)
    await bot.task(ts, State.RUNNING)
    request = bot.slack.state.message(GENERAL, ts)
    assert request is not None
    bot.slack.state.remove_message(request)  # and no event says so
    patient.go.set()
    task = await bot.task(ts)

    assert task.state is State.FAILED
    assert [*bot.calls("chat.postMessage"), *bot.calls("chat.startStream")] == []


async def test_a_queue_shows_the_position(slack: SlackStandIn, patient: Patient, tmp_path: Path) -> None:
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, limit_running_tasks=1) as bot,
    ):
        await bot.ask(ASK)
        await patient.was_asked()
        slack.fail("reactions.add", "too_many_reactions")
        await bot.ask(ASK, user=MEI)
        await slack.wait_for(lambda _: bot.whispers(MEI))

        assert bot.whispers(MEI) == [intake_texts.queued(1)]
        patient.go.set()


async def test_the_message_shortcut_hands_a_message_off_once(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    ts = await bot.ask("the figures of March look odd", user=MEI)
    await bot.slack.shortcut(ADA, GENERAL, ts, "handoff_message")
    task = await bot.task(ts, State.ANSWERED)
    await bot.slack.shortcut(ADA, GENERAL, ts, "handoff_message")
    await bot.slack.wait_for(lambda _: bot.whispers())

    assert (task.user, task.request) == (ADA, "the figures of March look odd")
    assert sorted(bot.said(ts).splitlines()) == ["Done.", controls_texts.handed_off_by(f"<@{ADA}>")]
    assert bot.whispers() == [controls_texts.ALREADY_HANDED_OFF]


async def test_the_messages_tab_offers_prompts(bot: Stack) -> None:
    await bot.slack.open_home(ADA, tab="messages")
    await bot.slack.wait_for(lambda _: bot.calls("assistant.threads.setSuggestedPrompts"))

    (call,) = bot.calls("assistant.threads.setSuggestedPrompts")
    assert call["channel_id"] == ADA_DM
    assert 1 <= len(call["prompts"]) <= 4
