"""The emoji on people's messages, in Slack as the stand-in keeps them. No Docker, no model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest_asyncio

from bot.wire.clients import Clients
from bot.wire.marks import DONE, EYES, NOTHING, QUESTION, MessageMarks
from playground.slack import SlackStandIn
from tasks.message import ThreadAddress
from tasks.store.database import Database
from tasks.store.key_value import KeyValueStore
from tests.support.stack import ADA, GENERAL


@pytest_asyncio.fixture
async def kept(tmp_path: Path) -> AsyncIterator[KeyValueStore]:
    database = Database(f"sqlite:///{tmp_path}/handoff.db")
    await database.open()
    yield KeyValueStore(database)
    await database.close()


@asynccontextmanager
async def _marks(slack: SlackStandIn, kept: KeyValueStore) -> AsyncIterator[MessageMarks]:
    async def token(_: str) -> str:
        return slack.bot_token

    async with aiohttp.ClientSession() as http:
        yield MessageMarks(Clients(slack.api_url, http, token), kept)


def _shown(slack: SlackStandIn, ts: str) -> list[str]:
    message = slack.state.message(GENERAL, ts)
    assert message is not None
    return [reaction.name for reaction in message.reactions]


def _place(slack: SlackStandIn) -> ThreadAddress:
    return ThreadAddress(slack.team_id, GENERAL, "1.0")


async def test_each_mark_takes_the_place_of_the_one_before(slack: SlackStandIn, kept: KeyValueStore) -> None:
    place, ts = _place(slack), await slack.post(ADA, GENERAL, "paint it")
    async with _marks(slack, kept) as marks, marks.running():
        assert await marks.show_eyes(place, ts)
        await marks.reopen(place, ts)
        for name in (QUESTION, EYES, DONE):
            await (marks.reopen(place, ts) if name is EYES else marks.replace(place, ts, name))
            await slack.wait_for(lambda _, name=name: _shown(slack, ts) == [name])  # type: ignore[misc]
        other = await slack.post(ADA, GENERAL, "or not")
        await marks.show_eyes(place, other)
        await marks.replace(place, other, NOTHING)
        await slack.wait_for(lambda _: not _shown(slack, other))


async def test_the_next_process_settles_what_a_dead_one_left(
    slack: SlackStandIn, kept: KeyValueStore
) -> None:
    place, ts = _place(slack), await slack.post(ADA, GENERAL, "paint it")
    async with _marks(slack, kept) as dead:
        await dead.show_eyes(place, ts)
        await dead.replace(place, ts, QUESTION)  # not in `running`: nothing reaches Slack
        await dead.replace(place, ts, DONE)
    assert _shown(slack, ts) == [EYES]
    async with _marks(slack, kept) as marks, marks.running():
        await slack.wait_for(lambda _: _shown(slack, ts) == [DONE])


async def test_eyes_that_come_late_do_not_stand_beside_the_end(
    slack: SlackStandIn, kept: KeyValueStore
) -> None:
    place, ts = _place(slack), await slack.post(ADA, GENERAL, "paint it")
    async with _marks(slack, kept) as marks:
        await marks.replace(place, ts, DONE)
        assert not await marks.show_eyes(place, ts)
        async with marks.running():
            await slack.wait_for(lambda _: _shown(slack, ts) == [DONE])


async def test_an_app_without_the_scope_asks_slack_once(kept: KeyValueStore) -> None:
    async with SlackStandIn(scopes={"chat:write"}) as slack, _marks(slack, kept) as marks, marks.running():
        place, ts = _place(slack), await slack.post(ADA, GENERAL, "paint it")
        assert not await marks.show_eyes(place, ts)
        await marks.replace(place, ts, DONE)
        assert not await marks.show_eyes(place, await slack.post(ADA, GENERAL, "again"))
        assert [call.method for call in slack.calls].count("reactions.add") == 1
