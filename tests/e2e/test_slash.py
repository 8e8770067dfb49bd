"""`/handoff` and the shortcut "Hand off this message": what they start, show, stop and refuse."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bot.controls import texts as controls_texts
from bot.intake import texts as intake_texts
from playground.slack import SlackStandIn
from playground.slack.messages import SlackPost
from tasks.task import State
from tests.support.patient_model import Patient
from tests.support.scripted_model import ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, Stack, stack

COMMAND, SHORTCUT = "/handoff", "handoff_message"
DIEGO = "U0DIEGO03"


async def _say(bot: Stack, text: str, user: str = ADA, channel: str = GENERAL) -> str:
    """Types the command; returns the reply that only the person sees."""
    before = len(bot.whispers(user))
    await bot.slack.slash(user, channel, COMMAND, text)
    await bot.slack.wait_for(lambda _: len(bot.whispers(user)) > before)
    return bot.whispers(user)[-1]


async def _root(bot: Stack, user: str = ADA, channel: str = GENERAL) -> SlackPost:
    """The message that a command has posted for a person."""

    def found(_: object) -> list[SlackPost]:
        posted = [m for m in bot.slack.state.history(channel) if m.user == bot.slack.bot_user_id]
        return [m for m in posted if m.text.startswith(f"Task from <@{user}>:")]

    return (await bot.slack.wait_for(found))[0]


async def _busy(bot: Stack, patient: Patient, text: str, user: str = ADA) -> str:
    ts = await bot.ask(f"@Handoff {text}", user=user)
    await bot.task(ts, State.RUNNING)
    await patient.was_asked()
    return ts


@pytest.mark.parametrize("text", ["", "help", "HELP", "  help  "])
async def test_help_shows_what_there_is(bot: Stack, text: str) -> None:
    private_reply = await _say(bot, text)

    assert all(word in private_reply for word in ("&lt;task&gt;", "status", "runs", "stop", "set", "!mute"))


async def test_a_task_is_posted_for_all_to_see_and_answered_in_its_thread(
    bot: Stack, patient: Patient
) -> None:
    patient.go.set()
    await bot.slack.slash(MEI, GENERAL, COMMAND, "count the apples & <pears>\nand the plums")
    root = await _root(bot, MEI)
    task = await bot.task(root.ts, State.ANSWERED)

    assert task.request == "count the apples & <pears>\nand the plums"
    assert (task.user, task.user_name) == (MEI, "Mei Tanaka")
    assert root.text.endswith("\n&gt; count the apples &amp; &lt;pears&gt;\n&gt; and the plums")
    assert bot.said(root.ts) == "Done."


async def test_a_broadcast_in_a_command_reaches_no_one(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    await bot.slack.slash(ADA, GENERAL, COMMAND, "tell <!channel> the news")
    root = await _root(bot)

    assert "<!channel>" not in root.text
    await bot.task(root.ts, State.ANSWERED)


async def test_people_and_cuts_are_read_as_they_were_written(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    await bot.slack.slash(ADA, GENERAL, COMMAND, f"ask <@{MEI}> " + "a & b " * 700)
    root = await _root(bot)
    task = await bot.task(root.ts, State.ANSWERED)
    assert task.request.startswith("ask @Mei Tanaka a & b")
    assert "ask @Mei Tanaka" in root.text
    assert not re.search(r"&(?!amp;|lt;|gt;)", root.text)
    assert root.text.endswith("…")
    ts = await bot.ask("@Diego is late", user=MEI)
    await bot.slack.shortcut(ADA, GENERAL, ts, SHORTCUT)
    assert (await bot.task(ts, State.ANSWERED)).request == "@Diego Quispe is late"


@pytest.mark.parametrize("text", ["help me plan a feast", "status of the build?", "runs are failing: why?"])
async def test_a_task_may_begin_as_a_word_of_command_does(bot: Stack, patient: Patient, text: str) -> None:
    patient.go.set()
    await bot.slack.slash(ADA, GENERAL, COMMAND, text)

    assert (await bot.task((await _root(bot)).ts, State.ANSWERED)).request == text


async def test_a_waiting_person_sees_the_place_in_the_queue(
    slack: SlackStandIn, patient: Patient, tmp_path: Path
) -> None:
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, limit_running_tasks=1) as bot,
    ):
        await _busy(bot, patient, "first")
        assert await _say(bot, "second") == intake_texts.queued(1)
        ts = await bot.ask("the build is red", user=MEI)
        await slack.shortcut(MEI, GENERAL, ts, SHORTCUT)
        await slack.wait_for(lambda _: bot.whispers(MEI))
        assert bot.whispers(MEI) == [intake_texts.queued(2)]
        patient.go.set()


async def test_status_lists_what_runs_here_and_runs_what_is_mine(bot: Stack, patient: Patient) -> None:
    assert await _say(bot, "status") == controls_texts.NOTHING_RUNNING_IN_CHANNEL
    assert await _say(bot, "runs") == controls_texts.NO_TASKS_YET
    ts = await _busy(bot, patient, "count the <b>apples</b> & pears", user=MEI)
    status = await _say(bot, "status")
    assert re.search(r"`t[a-z2-7]{11}` <http://\S+/archives/C0GENERAL/p\d+\|count the", status)
    assert "&lt;b&gt;apples" in status
    assert "running" in status
    assert "Mei Tanaka" in status
    assert f"p{ts.replace('.', '')}" in status
    assert await _say(bot, "runs") == controls_texts.NO_TASKS_YET
    patient.go.set()
    await bot.task(ts, State.ANSWERED)

    assert "answered" in await _say(bot, "runs", user=MEI)
    assert await _say(bot, "status") == controls_texts.NOTHING_RUNNING_IN_CHANNEL


async def test_stop_without_an_id_takes_ones_only_task_here(bot: Stack, patient: Patient) -> None:
    assert await _say(bot, "stop") == controls_texts.NO_TASK_OF_YOURS
    ts = await _busy(bot, patient, "first", user=MEI)
    assert await _say(bot, "stop") == controls_texts.NO_TASK_OF_YOURS
    await bot.slack.slash(MEI, GENERAL, COMMAND, "Stop!")

    assert "Mei Tanaka" in (await bot.task(ts, State.STOPPED)).reason


async def test_stop_asks_which_one_when_there_are_two_and_takes_its_id(bot: Stack, patient: Patient) -> None:
    first, second = await _busy(bot, patient, "first"), await _busy(bot, patient, "second")
    private_reply = await _say(bot, "stop")
    assert controls_texts.WHICH_TASK in private_reply
    ids = dict(re.findall(r"`(t[a-z2-7]{11})` <[^|]+\|(first|second)>", private_reply))
    chosen = next(id_ for id_, title in ids.items() if title == "second")
    await bot.slack.slash(ADA, GENERAL, COMMAND, f"stop `{chosen}`")
    await bot.task(second, State.STOPPED)

    assert (await bot.task(first, State.RUNNING)).state is State.RUNNING


async def test_a_task_of_another_person_is_not_stopped_by_its_id(bot: Stack, patient: Patient) -> None:
    task = await bot.task(await _busy(bot, patient, "mine"), State.RUNNING)
    assert "Only Ada Okafor" in await _say(bot, f"stop {task.id}", user=DIEGO)
    assert "I don't know a task `tnothing`" in await _say(bot, "stop tnothing", user=DIEGO)
    assert (await bot.task(task.thread.ts, State.RUNNING)).id == task.id


async def test_a_task_of_another_channel_is_its_requester_s_and_the_admins_alone(
    slack: SlackStandIn, patient: Patient, tmp_path: Path
) -> None:
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, allow_stop="thread") as bot,
    ):
        task = await bot.task(await _busy(bot, patient, "mine", user=MEI), State.RUNNING)
        elsewhere = "C0DATA001"
        assert "I don't know a task" in await _say(bot, f"stop {task.id}", user=DIEGO, channel=elsewhere)
        await slack.slash(ADA, elsewhere, COMMAND, f"stop {task.id}")
        await bot.task(task.thread.ts, State.STOPPED)
        patient.go.set()


async def test_a_person_without_access_changes_no_settings_and_starts_nothing(
    slack: SlackStandIn, patient: Patient, tmp_path: Path
) -> None:
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, allow_users=ADA) as bot,
    ):
        ts = await bot.ask("the build is red", user=MEI)
        assert "not on the list of people" in await _say(bot, "count the apples", user=MEI)
        assert "not on the list of people" in await _say(bot, "set follow-ups off", user=MEI)
        before = len(bot.whispers(MEI))
        await slack.shortcut(MEI, GENERAL, ts, SHORTCUT)
        await slack.wait_for(lambda _: len(bot.whispers(MEI)) > before)
        assert "not on the list of people" in bot.whispers(MEI)[-1]
        assert "`follow-ups` is *on*" in await _say(bot, "set")
        assert await bot.server.engine.store.recent() == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("statsu", "status"), ("stauts", "status"), ("halp", "help"), ("stopp", "stop"), ("runs!", None)],
)
async def test_a_mistyped_command_starts_no_task(bot: Stack, typed: str, meant: str | None) -> None:
    private_reply = await _say(bot, typed)

    assert private_reply == (controls_texts.did_you_mean(meant) if meant else controls_texts.NO_TASKS_YET)
    assert await bot.server.engine.store.recent() == []


async def test_a_channel_s_settings_are_shown_and_set(bot: Stack) -> None:
    assert "`follow-ups` is *on*" in await _say(bot, "set")
    assert "`follow-ups` is *off*" in await _say(bot, "Set Follow-ups OFF")
    assert await _say(bot, "set follow-ups sometimes") == "`follow-ups` can be on, off or all."
    assert "`follow-ups` is *off*" in await _say(bot, "set")
    assert "`follow-ups` is *on*" in await _say(bot, "set", channel="C0DATA001")


async def test_what_its_writer_may_not_ask_for_is_handed_off_by_who_may(
    slack: SlackStandIn, patient: Patient, tmp_path: Path
) -> None:
    patient.go.set()
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, allow_users=ADA) as bot,
    ):
        ts = await bot.ask("@Handoff count the apples", user=MEI)
        await slack.wait_for(lambda _: bot.whispers(MEI))
        for _ in range(2):
            await slack.shortcut(ADA, GENERAL, ts, SHORTCUT)
        assert (await bot.task(ts, State.ANSWERED)).user == ADA
        await slack.wait_for(lambda _: bot.whispers())
        assert bot.whispers() == [controls_texts.ALREADY_HANDED_OFF]
        assert len(await bot.server.engine.store.recent()) == 1


async def test_a_command_where_we_are_not_says_so(bot: Stack) -> None:
    bot.slack.memberships.remove(GENERAL, bot.slack.bot_user_id)

    assert "Invite me" in await _say(bot, "count the apples")
    assert await bot.server.engine.store.recent() == []


async def test_a_message_is_handed_off_once_by_its_shortcut(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    ts = await bot.ask("the build is red since noon", user=MEI)
    await bot.slack.shortcut(ADA, GENERAL, ts, SHORTCUT)
    task = await bot.task(ts, State.ANSWERED)
    assert (task.request, task.user, task.message_ts) == ("the build is red since noon", ADA, ts)
    assert sorted(bot.said(ts).splitlines()) == ["Done.", controls_texts.handed_off_by(f"<@{ADA}>")]
    await bot.slack.shortcut(ADA, GENERAL, ts, SHORTCUT)
    await bot.slack.wait_for(lambda _: any("already" in words for words in bot.whispers()))

    assert len(await bot.server.engine.store.recent()) == 1


async def test_a_reply_is_handed_off_in_its_thread_with_its_files(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    root = await bot.ask("look at this", user=MEI)
    file = await bot.slack.upload(MEI, "numbers.csv", b"a,b\n1,2\n")
    reply = await bot.ask("these are the numbers", user=MEI, thread_ts=root, files=[file])
    await bot.slack.shortcut(ADA, GENERAL, reply, SHORTCUT)
    task = await bot.task(root, State.ANSWERED)

    assert [file.name for file in task.files] == ["numbers.csv"]
    assert task.thread.ts == root
    assert "numbers.csv" in patient.heard


async def test_a_shortcut_where_we_are_not_says_so(bot: Stack) -> None:
    ts = await bot.ask("the build is red", user=MEI)
    bot.slack.memberships.remove(GENERAL, bot.slack.bot_user_id)
    await bot.slack.shortcut(ADA, GENERAL, ts, SHORTCUT)
    await bot.slack.wait_for(lambda _: any("Invite me" in words for words in bot.whispers()))

    assert await bot.server.engine.store.recent() == []


_WRONG: list[Any] = [None, 7, [], {}, "", {"id": 7}, {"id": ""}, "x" * 70_000]


async def test_wrong_commands_are_taken_in_time_and_harmless(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    command = {
        "command": COMMAND, "text": "status", "team_id": bot.slack.team_id, "channel_id": GENERAL,
        "user_id": ADA, "trigger_id": "1.2.3",
    }  # fmt: skip
    for field in command.keys() - {"text"}:
        for wrong in _WRONG:
            await bot.slack.deliver("slash_commands", command | {field: wrong})
        await bot.slack.deliver("slash_commands", {k: v for k, v in command.items() if k != field})

    assert "`follow-ups` is *on*" in await _say(bot, "set")
    assert await bot.server.engine.store.recent() == []


async def test_wrong_shortcuts_are_taken_in_time_and_harmless(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    said = {"type": "message", "user": MEI, "ts": "1.2", "text": "hello"}
    shortcut = {
        "type": "message_action", "callback_id": SHORTCUT, "trigger_id": "1.2.3", "user": {"id": ADA},
        "team": {"id": bot.slack.team_id}, "channel": {"id": GENERAL}, "message": said,
    }  # fmt: skip
    for field in ("callback_id", "user", "team", "channel", "message"):
        for wrong in _WRONG:
            await bot.slack.deliver("interactive", shortcut | {field: wrong})
        await bot.slack.deliver("interactive", {k: v for k, v in shortcut.items() if k != field})
    for field in ("ts", "text", "user", "thread_ts"):
        for wrong in ([7], {"a": 1}, [[]], [{"id": 7}]):
            await bot.slack.deliver("interactive", shortcut | {"message": said | {field: wrong}})

    assert "`follow-ups` is *on*" in await _say(bot, "set")
    assert await bot.server.engine.store.recent() == []
