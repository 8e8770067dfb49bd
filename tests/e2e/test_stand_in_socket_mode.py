"""Socket Mode with a real Bolt app: which events come, to which connection, how often, and what cuts do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp

from playground.slack import SlackStandIn
from playground.slack.messages import SlackPost
from tests.support.bolt import connected, new_app, new_client

GENERAL, ADA, ADAS, MEI = "C0GENERAL", "U0ADA0001", "D0ADA0001", "U0MEI0002"
Body = dict[str, Any]


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn(rate_limits=False, ack_deadline=20) as running:
        yield running


@pytest.fixture
async def hurried() -> AsyncIterator[SlackStandIn]:
    """One that repeats soon what is not acknowledged."""
    async with SlackStandIn(rate_limits=False, ack_deadline=0.4, retry_delays=(0.0, 0.1, 0.2)) as running:
        yield running


class Heard:
    """The events of an app, in the order they came, before any acknowledgement."""

    def __init__(self, slack: SlackStandIn) -> None:
        self.bodies: list[Body] = []
        self.retries: list[tuple[str, str]] = []
        self._more = asyncio.Condition()
        self.app: AsyncApp = new_app(slack)
        self.app.middleware(self._hear)
        for kind in ("app_mention", "message", "reaction_added", "member_joined_channel", "app_home_opened"):
            self.app.event(kind)(self._take)
        self.app.event("agent_session_stopped")(self._take)

    async def _hear(self, body: Body, request: Any, next: Any) -> None:
        async with self._more:
            self.bodies.append(body)
            headers = request.headers
            self.retries.append((headers["x-slack-retry-num"][0], headers["x-slack-retry-reason"][0]))
            self._more.notify_all()
        await next()

    async def _take(self) -> None:
        """Bolt acknowledges an event before its listener runs."""

    async def events(self, count: int) -> list[Body]:
        """The first so many events, when they have come."""
        async with asyncio.timeout(30), self._more:
            await self._more.wait_for(lambda: len(self.bodies) >= count)
        return [body["event"] for body in self.bodies]


async def test_a_mention_comes_twice_with_two_ids(slack: SlackStandIn) -> None:
    heard = Heard(slack)
    async with connected(slack, heard.app):
        ts = await slack.post(ADA, GENERAL, "@Handoff hello")
        events = await heard.events(2)
    assert Counter(event["type"] for event in events) == {"message": 1, "app_mention": 1}
    assert {event["ts"] for event in events} == {ts}
    assert {event["text"] for event in events} == {"<@U0HANDOFF> hello"}
    assert len({body["event_id"] for body in heard.bodies}) == 2
    body = heard.bodies[0]
    assert (body["team_id"], body["api_app_id"], body["type"]) == (
        slack.team_id,
        "A0HANDOFF",
        "event_callback",
    )
    assert body["authorizations"][0]["user_id"] == slack.bot_user_id


async def test_either_of_the_two_can_come_first(slack: SlackStandIn) -> None:
    heard = Heard(slack)
    async with connected(slack, heard.app):
        for turn in (2, 4):
            await slack.post(ADA, GENERAL, "@Handoff hello")
            events = await heard.events(turn)
    assert {events[0]["type"], events[2]["type"]} == {"message", "app_mention"}


async def test_in_a_direct_message_there_is_no_second_event(slack: SlackStandIn) -> None:
    heard = Heard(slack)
    async with connected(slack, heard.app):
        root = await slack.post(ADA, ADAS, "@Handoff hello")
        await slack.post(ADA, ADAS, "again", thread_ts=root)
        events = await heard.events(2)
    assert [(event["type"], event["channel_type"]) for event in events] == [("message", "im")] * 2
    replies = [event for event in events if event["ts"] != root]
    assert [(reply["thread_ts"], reply["parent_user_id"]) for reply in replies] == [(root, ADA)]


async def test_files_edits_deletions_and_reactions_are_reported(slack: SlackStandIn) -> None:
    heard = Heard(slack)
    async with connected(slack, heard.app):
        file = await slack.upload(ADA, "a.csv", b"a\n1\n")
        ts = await slack.post(ADA, GENERAL, "look", files=[file])
        shared = (await heard.events(1))[0]
        await slack.edit(ADA, GENERAL, ts, "look here")
        changed = (await heard.events(2))[1]
        await slack.react(MEI, GENERAL, ts, "x")
        reacted = (await heard.events(3))[2]
        await slack.delete(ADA, GENERAL, ts)
        deleted = (await heard.events(4))[3]
    assert (shared["subtype"], shared["files"][0]["name"]) == ("file_share", "a.csv")
    assert (changed["subtype"], changed["message"]["text"]) == ("message_changed", "look here")
    assert changed["previous_message"]["text"] == "look"
    assert (reacted["reaction"], reacted["user"], reacted["item"]["ts"]) == ("x", MEI, ts)
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)


async def test_deleting_a_root_with_replies_sends_a_tombstone(slack: SlackStandIn) -> None:
    heard = Heard(slack)
    async with connected(slack, heard.app):
        ts = await slack.post(ADA, GENERAL, "look")
        await slack.post(MEI, GENERAL, "where?", thread_ts=ts)
        await slack.delete(ADA, GENERAL, ts)
        changed = next(e for e in await heard.events(3) if e.get("subtype") == "message_changed")
    assert (changed["message"]["subtype"], changed["message"]["ts"]) == ("tombstone", ts)
    assert changed["previous_message"]["text"] == "look"


async def test_joining_home_and_stop_are_reported(slack: SlackStandIn) -> None:
    heard = Heard(slack)
    async with connected(slack, heard.app):
        channel = slack.memberships.create_channel(ADA, "new")
        await slack.post(ADA, channel, "@Handoff are you here?")
        slack.memberships.invite(channel, slack.bot_user_id, inviter=ADA)
        joined = (await heard.events(1))[0]
        await slack.open_home(ADA, tab="messages")
        opened = (await heard.events(2))[1]
        thread = await slack.post(ADA, GENERAL, "go")
        await heard.events(3)
        await new_client(slack).agents_sessions_setStatus(
            channel_id=GENERAL, thread_ts=thread, status="processing"
        )
        await slack.stop_session(MEI, GENERAL, thread)
        stopped = (await heard.events(4))[3]
    assert (joined["type"], joined["channel"], joined["inviter"]) == ("member_joined_channel", channel, ADA)
    assert (opened["tab"], opened["channel"]) == ("messages", ADAS)
    assert (stopped["thread_ts"], stopped["user"], stopped["streaming_message_ts"]) == (thread, MEI, [])


async def test_each_event_goes_to_one_of_the_connections(slack: SlackStandIn) -> None:
    heard = Heard(slack)
    async with connected(slack, heard.app, connections=2):
        sent = [await slack.post(ADA, GENERAL, str(n)) for n in range(10)]
        events = await heard.events(10)
        await asyncio.sleep(0.1)
    assert sorted(event["ts"] for event in events) == sent
    assert len(heard.bodies) == 10


async def test_what_is_not_acknowledged_comes_again(hurried: SlackStandIn) -> None:
    heard = Heard(hurried)

    @heard.app.middleware
    async def refuse_twice(next: Any) -> None:
        if len(heard.bodies) <= 2:
            raise RuntimeError("the database is away")
        await next()

    async with connected(hurried, heard.app):
        await hurried.post(ADA, GENERAL, "hello")
        await heard.events(3)
    assert heard.retries[:3] == [("0", ""), ("1", "timeout"), ("2", "timeout")]
    assert len({body["event_id"] for body in heard.bodies}) == 1


async def test_after_the_last_repeat_it_is_given_up(hurried: SlackStandIn) -> None:
    app = new_app(hurried)
    seen: list[Body] = []

    @app.middleware
    async def never(body: Body) -> None:
        seen.append(body)
        raise RuntimeError("never")

    async with connected(hurried, app):
        await hurried.post(ADA, GENERAL, "hello")
        await hurried.acknowledged()
    assert len(seen) == 4


async def test_a_bot_that_is_away_misses_events() -> None:
    async with SlackStandIn(ack_deadline=20, retry_delays=(0.3,)) as slack:
        heard = Heard(slack)
        await slack.post(ADA, GENERAL, "nobody hears")
        await asyncio.sleep(0.1)
        async with connected(slack, heard.app):
            await asyncio.sleep(0.6)
            await slack.post(ADA, GENERAL, "heard")
            events = await heard.events(1)
    assert [event["text"] for event in events] == ["heard"]


async def test_the_bot_renews_its_connections_when_asked(slack: SlackStandIn) -> None:
    heard = Heard(slack)
    async with connected(slack, heard.app, connections=2):
        await slack.disconnect("warning")
        opened = "apps.connections.open"
        await slack.wait_for(lambda _: sum(call.method == opened for call in slack.calls) == 4)
        await slack.wait_for(lambda _: slack.connections == 2)
        await slack.post(ADA, GENERAL, "hello")
        assert len(await heard.events(1)) == 1


async def test_the_bot_comes_back_after_a_cut(slack: SlackStandIn) -> None:
    heard = Heard(slack)
    async with connected(slack, heard.app):
        slack.drop_sockets()
        assert slack.connections == 0
        await slack.wait_for(lambda _: slack.connections == 1, timeout=15)
        await slack.post(ADA, GENERAL, "hello")
        assert len(await heard.events(1)) == 1


async def test_a_ticket_opens_one_connection_and_the_app_has_ten(slack: SlackStandIn) -> None:
    client = new_client(slack, slack.app_token)
    async with aiohttp.ClientSession() as session:
        held = []
        for _ in range(10):
            opened = await client.apps_connections_open(app_token=slack.app_token)
            held.append(await session.ws_connect(opened["url"]))
            hello = await held[-1].receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", 10)
        url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
        eleventh = await session.ws_connect(url)
        assert (await eleventh.receive_json())["reason"] == "too_many_websockets"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_the_bots_own_messages_are_reported_and_ignored_by_bolt(slack: SlackStandIn) -> None:
    heard = Heard(slack)
    async with connected(slack, heard.app):
        await new_client(slack).chat_postMessage(channel=GENERAL, text=f"I am <@{slack.bot_user_id}>")
        await slack.post(ADA, GENERAL, "and I am Ada")
        events = await heard.events(1)
    assert [event["user"] for event in events] == [ADA]


async def test_a_whole_turn_with_a_real_app(slack: SlackStandIn) -> None:
    app = new_app(slack)

    @app.event("app_mention")
    async def answer(event: Body, say: Any, client: Any) -> None:
        await client.reactions_add(channel=event["channel"], timestamp=event["ts"], name="eyes")
        await say(text="Hello!", thread_ts=event["ts"])

    @app.event("message")
    async def ignore() -> None:
        """The mention answers for both."""

    async with connected(slack, app, connections=2):
        ts = await slack.post(ADA, GENERAL, "@Handoff hello")

        def answered(_: Any) -> list[SlackPost]:
            return slack.state.replies(GENERAL, ts)

        replies = await slack.wait_for(answered)
    assert [(reply.text, reply.bot_id) for reply in replies] == [("Hello!", "B0HANDOFF")]
    root = slack.state.message(GENERAL, ts)
    assert root is not None
    assert root.reacted("eyes", slack.bot_user_id)
