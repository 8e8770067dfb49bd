"""App Home and the messages tab: what a person finds there, and the Stop in it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from bot.controls import home_notes
from bot.controls import texts as controls_texts
from bot.controls.home import STOP
from bot.intake import texts as intake_texts
from playground.slack import SlackStandIn
from tasks.store.notes import ChannelNotes, Note
from tasks.task import State
from tests.support.patient_model import Patient
from tests.support.scripted_model import ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, Stack, stack

CHANNELS = (GENERAL, "C0DATA001", "D0ADA0001")
ASK = "@Handoff what is the <b>answer</b> & why?"


@pytest_asyncio.fixture
async def bot(slack: SlackStandIn, patient: Patient, tmp_path: Path) -> AsyncIterator[Stack]:
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, model="gpt-5.6") as running,
    ):
        yield running
        patient.go.set()


async def _home(bot: Stack, user: str = ADA) -> str:
    """Open the Home; returns all its text."""
    before = bot.slack.state.homes.get(user)
    await bot.slack.open_home(user)
    await bot.slack.wait_for(lambda state: state.homes.get(user) not in (None, before))
    return _words(bot, user)


def _words(bot: Stack, user: str = ADA) -> str:
    return json.dumps(bot.slack.state.homes[user]["blocks"], ensure_ascii=False)


def _stops(bot: Stack, user: str = ADA) -> list[dict[str, Any]]:
    """The sections of the Home that have a Stop."""
    blocks = bot.slack.state.homes[user]["blocks"]
    return [block for block in blocks if block.get("accessory", {}).get("action_id") == STOP]


async def _press(bot: Stack, user: str, button: dict[str, Any], **changes: Any) -> None:
    """Clicks a button of a person's Home, as Slack sends it."""
    action = {"type": "button", "action_id": STOP, "block_id": "b", "value": button["value"], **changes}
    await bot.slack.deliver(
        "interactive",
        {
            "type": "block_actions",
            "user": {"id": user, "team_id": bot.slack.team_id},
            "team": {"id": bot.slack.team_id, "domain": "playground"},
            "api_app_id": "A0HANDOFF",
            "container": {"type": "view", "view_id": "V1"},
            "trigger_id": "1.2.3",
            "view": {"id": "V1", "type": "home"},
            "actions": [action],
        },
    )


async def test_an_empty_home_says_what_to_do(bot: Stack) -> None:
    words = await _home(bot)

    assert "Nothing is running." in words
    assert controls_texts.HOME_NO_TASKS in words
    assert "gpt-5.6" in words


async def test_tasks_are_shown_with_links_to_their_threads(bot: Stack, patient: Patient) -> None:
    ts = await bot.ask(ASK)
    await bot.task(ts, State.RUNNING)
    await patient.was_asked()
    link = f"/archives/C0GENERAL/p{ts.replace('.', '')}|what is the &lt;b&gt;answer&lt;/b&gt; &amp; why?>"
    assert link in await _home(bot)
    assert len(_stops(bot)) == 1
    patient.go.set()
    task = await bot.task(ts, State.ANSWERED)
    words = await _home(bot)

    assert link in words
    assert ":white_check_mark: answered" in words
    assert _stops(bot) == []
    assert f"*{task.tokens:,}* in the last 24 hours" in words


async def test_the_newest_task_is_drawn_agent_by_agent(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    ts = await bot.ask(ASK)
    task = await bot.task(ts, State.ANSWERED)
    await _home(bot)
    drawn = [b["text"]["text"] for b in bot.slack.state.homes[ADA]["blocks"] if "```" in str(b)]
    assert len(drawn) == 1
    assert re.search(rf"\norchestrator +━*●━* +1 turn, {task.tokens:,} tokens\n", drawn[0]), drawn[0]
    assert max(len(line) for line in drawn[0].splitlines()) < 90


async def test_stop_in_the_home_stops_and_the_home_shows_it(bot: Stack, patient: Patient) -> None:
    ts = await bot.ask(ASK)
    await bot.task(ts, State.RUNNING)
    await patient.was_asked()
    await _home(bot)
    before = _words(bot)
    (row,) = _stops(bot)
    await _press(bot, ADA, row["accessory"])
    task = await bot.task(ts, State.STOPPED)
    await bot.slack.wait_for(lambda _: _words(bot) != before)
    assert task.reason == "Stopped by Ada Okafor."
    await _press(bot, ADA, row["accessory"])
    await bot.slack.wait_for(lambda _: intake_texts.NOTHING_TO_STOP in _words(bot))
    assert ":octagonal_sign: stopped" in await _home(bot)


async def test_a_persons_own_notes_are_shown_edited_and_deleted(bot: Stack) -> None:
    notes = ChannelNotes(bot.server.engine.store.database)
    place = (bot.slack.team_id, GENERAL)
    for user, text in ((ADA, "Amounts are in <euro>"), (MEI, "The year ends in March")):
        await notes.add(*place, text, user=user, user_name=user)
    words = await _home(bot)
    assert f"<#{GENERAL}> · Amounts are in &lt;euro&gt;" in words
    assert "March" not in words, "the note of another person"

    await bot.slack.interactions.click(ADA, None, None, action_id=home_notes.EDIT)
    form = await bot.slack.wait_for(lambda state: state.modals.get(ADA))
    assert form is not None
    assert form["blocks"][0]["element"]["initial_value"] == "Amounts are in <euro>"
    await bot.slack.interactions.submit(ADA, form["id"], {"text": {"text": "Amounts are in cents"}})
    await bot.slack.wait_for(lambda _: "in cents" in _words(bot))
    assert (await notes.of(*place))[0] == Note(number=1, text="Amounts are in cents", user_name="Ada Okafor")

    await _press(bot, MEI, {"value": f"{GENERAL}:1"}, action_id=home_notes.DELETE)
    await bot.slack.interactions.click(ADA, None, None, action_id=home_notes.DELETE)
    await bot.slack.wait_for(lambda _: controls_texts.HOME_NOTES not in _words(bot))
    assert [note.number for note in await notes.of(*place)] == [2]
    # The form was open while the note went.
    await bot.slack.deliver("interactive", _sent(bot, form, "Amounts are in dollars"))
    await bot.slack.wait_for(lambda _: controls_texts.NOTE_GONE in _words(bot))


def _sent(bot: Stack, form: dict[str, Any], text: str) -> dict[str, Any]:
    state = {"values": {"text": {"text": {"type": "plain_text_input", "value": text}}}}
    team = {"id": bot.slack.team_id, "domain": "playground"}
    view = form | {"state": state}
    return {"type": "view_submission", "user": {"id": ADA}, "team": team, "view": view, "trigger_id": "1.2.3"}


async def test_another_persons_task_is_neither_shown_nor_stopped(bot: Stack, patient: Patient) -> None:
    ts = await bot.ask(ASK)
    task = await bot.task(ts, State.RUNNING)
    await patient.was_asked()
    assert "what is the" not in await _home(bot, MEI)
    await _press(bot, MEI, {"value": task.id})
    await bot.slack.wait_for(lambda _: "Only Ada Okafor or" in _words(bot, MEI))

    assert (await bot.task(ts, State.RUNNING)).id == task.id


async def test_a_home_that_slack_does_not_take_harms_nothing(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    bot.slack.fail("views.publish", "not_enabled", times=1)
    await bot.slack.open_home(ADA)
    await bot.slack.wait_for(lambda _: bot.calls("views.publish"))

    assert "Nothing is running." in await _home(bot)


async def test_many_tasks_fit_into_the_home(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    long = " " + "and so on " * 400
    for number in range(14):
        channel = CHANNELS[number % len(CHANNELS)]  # a channel takes one post a second
        ts = await bot.ask(f"@Handoff task {number}{long}", channel=channel)
        await bot.task(ts, State.ANSWERED, channel=channel)
    words = await _home(bot)

    assert "task 13" in words
    assert "task 3 " not in words


async def test_the_messages_tab_suggests_what_to_ask(bot: Stack) -> None:
    await bot.slack.open_home(ADA, tab="messages")
    prompts = await bot.slack.wait_for(lambda state: state.prompts)

    assert 1 <= len(prompts) <= 4
    assert all(prompt["title"] and prompt["message"] for prompt in prompts)
    assert bot.calls("assistant.threads.setSuggestedPrompts")[-1]["channel_id"] == "D0ADA0001"


async def test_wrong_presses_and_openings_are_taken_and_harmless(bot: Stack, patient: Patient) -> None:
    patient.go.set()
    wrongs: list[Any] = [None, 7, [], {}, "", "t", "x" * 3000]
    for wrong in wrongs:
        await _press(bot, ADA, {"value": wrong})
        await _press(bot, ADA, {"value": "t"}, action_id=wrong)
    fields: list[tuple[str, Any]] = [("user", 7), ("user", {}), ("tab", []), ("channel", {}), ("tab", "no")]
    for field, wrong in fields:
        event = {"type": "app_home_opened", "user": ADA, "channel": "D0ADA0001", "tab": "home", field: wrong}
        body = {"type": "event_callback", "team_id": bot.slack.team_id, "event_id": "Ev1", "event": event}
        await bot.slack.deliver("events_api", body)

    assert "Nothing is running." in await _home(bot)
