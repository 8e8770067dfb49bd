"""What reaches the bot more than once, late, wrong, from other bots, or from people who may not."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio

from bot.intake import texts
from bot.intake.pending import PendingEvents, parse
from playground.slack import SlackStandIn
from playground.slack.world import playground_world
from tasks.message import ThreadAddress
from tasks.store.key_value import KeyValueStore
from tasks.store.tasks import TaskStore
from tasks.task import State
from tests.support.databases import opened
from tests.support.patient_model import Patient
from tests.support.scripted_model import ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, PATIENCE, Stack, stack
from tests.support.timing import BOT_TIMING

ASK = "@Handoff what is the answer?"
DIEGO = "U0DIEGO03"
MUTES = ("!mute", "!unmute")


@pytest_asyncio.fixture
async def patient() -> Patient:
    patient = Patient()
    patient.go.set()
    return patient


@pytest_asyncio.fixture
async def model(patient: Patient) -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel(patient) as running:
        yield running


@pytest_asyncio.fixture
async def bot(slack: SlackStandIn, model: ScriptedModel, tmp_path: Path) -> AsyncIterator[Stack]:
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as running:
        yield running


@pytest_asyncio.fixture
async def http_bot(slack: SlackStandIn, model: ScriptedModel, tmp_path: Path) -> AsyncIterator[Stack]:
    """A bot that gets its events by signed HTTP."""
    async with stack(
        slack, model.base_url, tmp_path, socket_mode=False, sandbox_pool=0, allow_apps="B0OTHER"
    ) as running:
        await slack.send_events_to(_url(running))
        yield running


def _url(bot: Stack) -> str:
    return f"http://127.0.0.1:{bot.server.web.port}/slack/events"


async def _post(
    bot: Stack, body: bytes, changes: Mapping[str, str] | None = None, *, form: bool = False
) -> int:
    """Post what Slack might; returns the status. `changes` are headers."""
    now = str(int(time.time()))
    mac = hmac.new(bot.slack.signing_secret.encode(), f"v0:{now}:".encode() + body, hashlib.sha256)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
        "X-Slack-Request-Timestamp": now,
        "X-Slack-Signature": f"v0={mac.hexdigest()}",
    }
    headers |= changes or {}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE)) as http,
        http.post(_url(bot), data=body, headers=headers) as response,
    ):
        return response.status


async def _handled(bot: Stack) -> None:
    """Wait until each event is handled and each task over."""
    await bot.handled()
    async with asyncio.timeout(PATIENCE):
        while not all(task.state.is_over for task in await bot.server.engine.store.recent()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _event(**event: Any) -> dict[str, Any]:
    return {
        "type": "event_callback", "team_id": "T0PLAYGND", "api_app_id": "A0HANDOFF", "event_id": "Ev1",
        "authorizations": [{"team_id": "T0PLAYGND", "user_id": "U0HANDOFF", "is_bot": True}], "event": event,
    }  # fmt: skip


def _said(text: str, ts: str = "1700000000.000100", **more: Any) -> dict[str, Any]:
    return _event(**{"type": "message", "channel": GENERAL, "ts": ts, "text": text, "user": ADA, **more})


async def test_the_whole_way_works_by_http_too(http_bot: Stack) -> None:
    ts = await http_bot.ask(ASK)
    await http_bot.task(ts, State.ANSWERED)

    assert http_bot.said(ts) == "Done."


@pytest.mark.parametrize(
    "changes",
    [
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "²"},
        {"X-Slack-Request-Timestamp": "1"},
        {"X-Slack-Request-Timestamp": "1" * 5000},
        {"X-Slack-Signature": "v0=00"},
        {"X-Slack-Signature": "v0=é"},
    ],
)
async def test_a_request_that_is_not_from_slack_gets_401(http_bot: Stack, changes: dict[str, str]) -> None:
    assert await _post(http_bot, json.dumps(_said(ASK)).encode(), changes) == 401
    assert await http_bot.server.engine.store.recent() == []


@pytest.mark.parametrize("kind", ["application/json", "a/b; charset=klingon", "a/b; charset=utf-7"])
async def test_a_body_that_is_no_text_gets_401(http_bot: Stack, kind: str) -> None:
    assert await _post(http_bot, b"\xff\xfe{", {"Content-Type": kind}) == 401
    assert await _post(http_bot, b"+{", {"Content-Type": kind, "X-Slack-Signature": "v0=00"}) == 401


async def test_a_delivery_that_is_repeated_is_one_task(http_bot: Stack) -> None:
    ts = await http_bot.ask(ASK)
    await http_bot.task(ts, State.ANSWERED)
    again = json.dumps(_said("<@U0HANDOFF> what is the answer?", ts)).encode()
    for number in range(1, 4):
        assert await _post(http_bot, again, {"X-Slack-Retry-Num": str(number)}) == 200

    assert len(await http_bot.server.engine.store.recent()) == 1
    assert len(http_bot.answers(ts)) == 1


async def test_a_mute_that_comes_again_after_it_was_taken_back_does_nothing(http_bot: Stack) -> None:
    root = await http_bot.ask(ASK)
    await http_bot.task(root, State.ANSWERED)
    said = {word: _said(word, f"170000000{n}.000100", thread_ts=root) for n, word in enumerate(MUTES)}
    for word in (*MUTES, MUTES[0]):
        assert await _post(http_bot, json.dumps(said[word]).encode()) == 200
    await http_bot.ask("and now?", thread_ts=root)

    await http_bot.slack.wait_for(lambda _: len(http_bot.answers(root)) == 2)


async def test_half_a_character_and_nul_keep_no_message_from_being_taken(http_bot: Stack) -> None:
    ts, name = "1700000005.000100", "party \ud83d\x00.csv"
    said = _said(f"<@U0HANDOFF> {name}", ts, files=[{"id": "F1", "name": name, "mode": "hosted"}])

    assert await _post(http_bot, json.dumps(said).encode()) == 200
    task = await http_bot.task(ts)
    assert task.request == task.files[0].name == "party \ufffd.csv"


WILD = [
    {},
    {"type": "event_callback"},
    {"type": "event_callback", "team_id": "T0PLAYGND", "event": None},
    {"type": "event_callback", "team_id": "T0PLAYGND", "event": []},
    _event(),
    _event(type=7),
    _event(type="message"),
    _event(type="message", subtype={"a": 1}, channel=GENERAL, ts="1.1", user=ADA, text="hi"),
    _event(type="message", channel=["C"], ts={}, user=3, text=[]),
    _event(type="message", subtype="message_changed", message=[], previous_message=4, channel=GENERAL),
    _event(type="message", subtype="message_deleted", previous_message=None, channel=GENERAL),
    _event(type="app_mention", channel=GENERAL, ts="never", user=ADA, text="<@U0HANDOFF> hi"),
    _event(type="app_mention", channel=GENERAL, ts="1.1", user=ADA, text=7, files="none"),
    _event(type="reaction_added", reaction=["x"], user=ADA, item="C1"),
    _event(type="reaction_added", reaction="x", user=ADA, item={"channel": 1, "ts": None}),
    _event(type="agent_session_stopped", channel=None, thread_ts=5, user=[]),
    _event(type="app_home_opened", user=None, tab=["home"]),
    _event(type="member_joined_channel", user=5, channel={}),
    _event(type="something_new", whatever=1),
    {"type": "app_rate_limited", "team_id": "T0PLAYGND", "minute_rate_limited": 1},
]
PRESSED: list[tuple[Any, Any, Any, Any]] = [
    ({"id": ADA}, {"id": GENERAL}, {"ts": "1.1"}, "no such task"),
    ({"id": ADA}, {"id": GENERAL}, {"ts": "1.1"}, '{"task": "t", "attempt": "x"}'),
    ({"id": ADA}, None, None, "good:t123"),
    ({"id": 7}, {"id": []}, "text", None),
]
CLICKS: list[dict[str, Any]] = [
    {"type": "block_actions"},
    {"type": "block_actions", "actions": []},
    {"type": "block_actions", "actions": "all", "user": 5},
    *(
        {
            "type": "block_actions", "team": {"id": "T0PLAYGND"}, "user": user, "channel": channel,
            "message": message, "actions": [{"action_id": name, "value": value, "type": "button"}],
        }
        for name in ("handoff_stop", "handoff_home_stop", "handoff_answer:0", "handoff_feedback", "unknown")
        for user, channel, message, value in PRESSED
    ),
    {"type": "message_action", "callback_id": "handoff_message", "user": {}, "team": {"id": "T0PLAYGND"}},
    {
        "type": "message_action", "callback_id": "handoff_message", "user": {"id": ADA},
        "team": {"id": "T0PLAYGND"}, "channel": {"id": GENERAL}, "message": {"ts": "1.1", "text": ["?"]},
    },
    {"type": "view_submission", "view": 5, "user": {"id": ADA}, "team": {"id": "T0PLAYGND"}},
    {"type": "shortcut", "callback_id": 12},
]  # fmt: skip
COMMANDS = [
    {},
    {"command": "/handoff"},
    {"command": "/handoff", "team_id": "", "channel_id": "C1", "user_id": "U1", "trigger_id": "1"},
    {"command": "/other", "team_id": "T0PLAYGND", "channel_id": "C1", "user_id": "U1", "trigger_id": "1"},
    {"command": "/handoff", "team_id": "T0PLAYGND", "channel_id": "C1", "user_id": ADA, "trigger_id": "2",
     "text": "stop " + "x" * 3000},
    {"command": "/handoff", "team_id": "T0PLAYGND", "channel_id": "CNOWHERE", "user_id": ADA,
     "trigger_id": "3", "text": "do something", "response_url": "http://127.0.0.1:1/none"},
]  # fmt: skip


async def test_wrong_shapes_of_everything_are_acked_in_time_and_harmless(http_bot: Stack) -> None:
    bodies = [(json.dumps(wild).encode(), False) for wild in WILD]
    bodies += [(urlencode({"payload": json.dumps(click)}).encode(), True) for click in CLICKS]
    bodies += [(urlencode(command).encode(), True) for command in COMMANDS]
    statuses = {}
    for body, form in bodies:
        statuses[body] = await _post(http_bot, body, form=form)

    assert {body: status for body, status in statuses.items() if status != 200} == {}
    assert await http_bot.server.engine.store.recent() == []
    ts = await http_bot.ask(ASK)
    assert (await http_bot.task(ts)).state is State.ANSWERED


async def test_two_bots_do_not_talk_for_ever(http_bot: Stack) -> None:
    root = await http_bot.ask(ASK)
    await http_bot.task(root, State.ANSWERED)
    for number in range(6):
        text, ts = "<@U0HANDOFF> and now?", f"17000000{number:02}.000100"
        body = _said(text, ts, thread_ts=root, bot_id="B0OTHER", subtype="bot_message")
        assert await _post(http_bot, json.dumps(body).encode()) == 200
        await _handled(http_bot)
    stranger = _said("<@U0HANDOFF> do it", "1700000098.000100", bot_id="B0STRANGER", subtype="bot_message")
    await _post(http_bot, json.dumps(stranger).encode())
    unasked = _said("no mention", "1700000099.000100", thread_ts=root, bot_id="B0OTHER", user="U0OTHER")
    await _post(http_bot, json.dumps(unasked).encode())
    await _handled(http_bot)

    assert [task.user for task in await http_bot.server.engine.store.recent()] == ["B0OTHER"] * 3 + [ADA]


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("allow_channels", "C0DATA001", "I don't take tasks in this channel."),
        ("allow_users", MEI, "not on the list of people"),
        ("limit_person_daily_tokens", 1, "You've reached your daily limit"),
    ],
)
async def test_a_refusal_is_sent_in_private(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path, setting: str, value: Any, words: str
) -> None:
    async with stack(slack, model.base_url, tmp_path, **{"sandbox_pool": 0, setting: value}) as bot:
        if setting.startswith("limit"):
            await bot.task(await bot.ask(ASK), State.ANSWERED)
        before = len(await bot.server.engine.store.recent())
        ts = await bot.ask(ASK)
        await slack.wait_for(lambda _: bot.whispers())

        assert len(bot.whispers()) == 1
        assert words in bot.whispers()[0]
        assert bot.thread(ts) == []
        assert len(await bot.server.engine.store.recent()) == before


async def test_an_event_itself_says_who_the_bot_is(slack: SlackStandIn, http_bot: Stack) -> None:
    slack.fail("auth.test", status=500, times=100)
    ts = await http_bot.ask(ASK)

    assert (await http_bot.task(ts)).state is State.ANSWERED
    assert http_bot.calls("auth.test") == []


async def test_guests_may_not_unless_the_operator_says_so(model: ScriptedModel, tmp_path: Path) -> None:
    world = playground_world()
    users = tuple(replace(user, is_guest=user.id == MEI) for user in world.users)
    async with SlackStandIn(world=replace(world, users=users)) as slack:
        async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
            await bot.ask(ASK, user=MEI)
            await slack.wait_for(lambda _: bot.whispers(MEI))
            assert bot.whispers(MEI) == [texts.NO_GUESTS]
        async with stack(slack, model.base_url, tmp_path, sandbox_pool=0, allow_guests=True) as bot:
            ts = await bot.ask(ASK, user=MEI)
            assert (await bot.task(ts)).state is State.ANSWERED


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"error": "ratelimited", "status": 429, "retry_after": 1}]
)
async def test_a_person_whom_slack_can_not_describe_now_is_served_later(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path, fault: dict[str, Any]
) -> None:
    timing = replace(BOT_TIMING, event_retry=0.1)
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0, timing=timing) as bot:
        slack.fail("users.info", **fault, times=500)
        ts = await bot.ask(ASK)
        await slack.wait_for(lambda _: bot.whispers())
        assert bot.whispers() == [texts.PERSON_UNKNOWN_YET]
        assert bot.thread(ts) == []
        slack.clear_faults()

        assert (await bot.task(ts)).state is State.ANSWERED


async def test_nothing_is_asked_of_slack_before_the_ack(http_bot: Stack) -> None:
    await http_bot.task(await http_bot.ask(ASK), State.ANSWERED)
    http_bot.slack.delay("users.info", seconds=5.0, times=2)  # `_post` waits for three
    body = json.dumps(_said(f"<@U0HANDOFF> what does <@{MEI}> think?", "1700000007.000100", user=DIEGO))
    assert await _post(http_bot, body.encode()) == 200

    assert (await http_bot.task("1700000007.000100")).request == "what does @Mei Tanaka think?"


async def test_what_was_acked_and_not_handled_is_handled_by_the_next_process(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
        store = KeyValueStore(bot.server.engine.store.database)
        body = _said("<@U0HANDOFF> what is the answer?", "1700000008.000100")
        event = parse(body)
        assert event is not None
        await PendingEvents(store).add(body, event, slack.bot_user_id)
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
        assert (await bot.task("1700000008.000100")).request == "what is the answer?"
        assert await PendingEvents(KeyValueStore(bot.server.engine.store.database)).older_than(0) == []


async def test_a_stop_waits_for_what_is_being_handled(
    slack: SlackStandIn, model: ScriptedModel, tmp_path: Path
) -> None:
    """A listener that outlived the database would leave a connection to it open."""
    async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
        slack.delay("users.info", 1.0)
        ts = await bot.ask(ASK)
        await slack.acknowledged()
    async with opened(bot.settings.database_url) as database:
        assert await PendingEvents(KeyValueStore(database)).older_than(0) == []
        address = ThreadAddress(slack.team_id, GENERAL, ts)
        assert (await TaskStore(database).current(address)) is not None


async def test_wrong_shapes_are_acked_on_a_socket_too(model: ScriptedModel, tmp_path: Path) -> None:
    async with (
        SlackStandIn(retry_delays=(), ack_deadline=30) as slack,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot,
    ):
        for click in CLICKS:
            await slack.interactions._deliveries.deliver_once("interactive", click)  # raises when nobody acks
        ts = await bot.ask(ASK)
        assert (await bot.task(ts)).state is State.ANSWERED
