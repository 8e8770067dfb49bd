"""Pinned notes: people see, change and delete them, and every task of the channel gets them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from playground.slack import SlackStandIn
from tasks.store.notes import ChannelNotes
from tests.support.scripted_model import ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, Stack, stack

ADA_DM = "D0ADA0001"


@pytest_asyncio.fixture
async def bot(slack: SlackStandIn, model: ScriptedModel, tmp_path: Path) -> AsyncIterator[Stack]:
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as running:
        yield running


async def say(bot: Stack, text: str, *, user: str = ADA, channel: str = GENERAL) -> str:
    """Give a command of its own; returns what the bot says in its thread."""
    ts = await bot.ask(f"@Handoff {text}", user=user, channel=channel)
    await bot.slack.wait_for(lambda _: bool(bot.thread(ts, channel)))
    (answer,) = bot.thread(ts, channel)
    return answer.text


async def test_notes_are_pinned_seen_changed_and_deleted_by_people(bot: Stack) -> None:
    assert "This channel has no notes." in await say(bot, "!note")
    assert (await say(bot, "!note add Amounts are in <euro> & cents")).endswith(
        "added note 1: Amounts are in &lt;euro&gt; &amp; cents"
    )
    assert "added note 2" in await say(bot, "!note add The year ends in March", user=MEI)
    assert "changed note 1: Amounts are in euros" in await say(bot, "!note edit 1 Amounts are in euros")
    listed = (await say(bot, "!notes")).splitlines()
    assert listed[1].startswith("1. Amounts are in euros — ")
    assert listed[2].startswith("2. The year ends in March — ")
    assert "deleted note 2" in await say(bot, "!NOTE delete #2")
    assert "March" not in await say(bot, "!note list")
    assert await bot.server.engine.store.recent() == []


async def test_every_task_of_the_channel_gets_it_and_none_of_another(
    bot: Stack, model: ScriptedModel
) -> None:
    await say(bot, "!note add Amounts are in euros")
    ts = await bot.ask("@Handoff what is the answer?")
    await bot.task(ts)
    (asked,) = model.requests
    assert "Notes that people pinned in this channel" in asked.last_user
    assert "1. Amounts are in euros (by " in asked.last_user
    assert "what is the answer?" in asked.last_user
    ts = await bot.ask("@Handoff what is the answer?", channel=ADA_DM)
    await bot.task(ts, channel=ADA_DM)
    assert "euros" not in str(model.requests[-1].body)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("!note add", "adds one"),
        ("!note add " + "x" * 501, "can have 500 characters, and this one has 501"),
        ("!note edit 7 other words", "This channel has no note 7"),
        ("!note edit 7", "`!note edit 2 Other words` changes one"),
        ("!note delete", "`!note delete 2` removes one"),
        ("!note delete 99999999999999999999", "`!note delete 2` removes one"),
        ("!note burn 1", "`!note` lists them"),
    ],
)
async def test_what_can_not_be_done_is_said(bot: Stack, text: str, answer: str) -> None:
    assert answer in await say(bot, text)


async def test_a_channel_has_so_many_notes_and_no_more(bot: Stack) -> None:
    notes = ChannelNotes(bot.server.engine.store.database)
    for number in range(19):
        await notes.add(bot.slack.team_id, GENERAL, f"fact {number}", user=ADA, user_name="Ada")
    assert "added note 20:" in await say(bot, "!note add the last one")
    assert "already has 20 notes" in await say(bot, "!note add one more")


async def test_a_note_pings_no_one(bot: Stack) -> None:
    said = await say(bot, "!note add tell <!channel> at once")
    assert "<!channel>" not in said
    assert "&lt;!channel&gt;" in said
    assert "@\u200bhere" in await say(bot, "!note add tell @here at once")
