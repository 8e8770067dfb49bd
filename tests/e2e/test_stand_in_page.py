"""The page's protocol over real sockets: the snapshot, what is pushed, what may be asked and by whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.slack import Model, SlackStandIn
from playground.slack.errors import ActionRefused
from playground.slack.page_actions import PageActions
from playground.slack.slack_commands import SlackCommands
from tests.support.bolt import new_client

GENERAL, ADA, MEI = "C0GENERAL", "U0ADA0001", "U0MEI0002"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
# fmt: off
FIELDS = [
    "user", "channel", "ts", "thread_ts", "text", "files", "name", "command", "callback_id", "view_id",
    "values", "value", "selected", "block_id", "action_id",
]
ACTS = [
    "post", "edit", "delete", "react", "unreact", "click", "stop", "home", "messages_tab", "slash",
    "shortcut", "submit", "close", "nothing",
]
# fmt: on
Line = dict[str, Any]


class Page:
    """A browser's side of the live websocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._asked = 0

    async def line(self, kind: str) -> Line:
        """The next line of a kind; the others before it are passed over."""
        while True:
            line: Line = await self._socket.receive_json(timeout=5)
            if line["type"] == kind:
                return line

    async def do(self, what: str, **fields: Any) -> Line:
        self._asked += 1
        await self._socket.send_json({"id": self._asked, "do": what} | fields)
        answer = await self.line("done")
        assert answer["id"] == self._asked
        return answer

    async def say(self, text: str) -> None:
        await self._socket.send_str(text)


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn(model=Model("demo model", scripted=True), ack_deadline=0.2) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
async def page(slack: SlackStandIn, session: aiohttp.ClientSession) -> AsyncIterator[Page]:
    async with session.ws_connect(f"{slack.url}/page/api/live") as socket:
        yield Page(socket)


async def test_a_page_begins_with_everything(
    slack: SlackStandIn, session: aiohttp.ClientSession, page: Page
) -> None:
    await slack.post(ADA, GENERAL, "@Handoff hello")
    state = await page.line("state")
    assert state["model"] == {"label": "demo model", "scripted": True}
    assert [user["name"] for user in state["users"]] == ["ada", "mei", "diego", "handoff"]
    assert {channel["name"] for channel in state["channels"] if channel["kind"] == "channel"} == {
        "general",
        "data",
    }
    assert {channel["user"] for channel in state["channels"] if channel["kind"] == "im"} == {
        ADA,
        MEI,
        "U0DIEGO03",
    }
    async with session.get(f"{slack.url}/page/api/state") as answer:
        snapshot = await answer.json()
    assert [message["text"] for message in snapshot["messages"]] == ["<@U0HANDOFF> hello"]


async def test_what_a_person_does_is_pushed_to_the_page(slack: SlackStandIn, page: Page) -> None:
    posted = await page.do("post", user=ADA, channel=GENERAL, text="one")
    ts = posted["ts"]
    assert (await page.line("message"))["message"]["text"] == "one"
    await page.do("post", user=MEI, channel=GENERAL, text="two", thread_ts=ts, broadcast=True)
    reply, root = (await page.line("message"))["message"], (await page.line("message"))["message"]
    assert (reply["thread_ts"], reply["broadcast"]) == (ts, True)
    assert (root["reply_count"], root["reply_users"], root["latest_reply"]) == (1, [MEI], reply["ts"])
    await page.do("edit", user=ADA, channel=GENERAL, ts=ts, text="eins")
    assert (await page.line("message"))["message"]["edited"]
    await page.do("react", user=MEI, channel=GENERAL, ts=ts, name="eyes")
    assert (await page.line("message"))["message"]["reactions"] == [{"name": "eyes", "users": [MEI]}]
    await page.do("unreact", user=MEI, channel=GENERAL, ts=ts, name="eyes")
    assert (await page.line("message"))["message"]["reactions"] == []
    await page.do("delete", user=MEI, channel=GENERAL, ts=reply["ts"])
    assert (await page.line("deleted"))["ts"] == reply["ts"]


async def test_a_stream_is_pushed_row_by_row(slack: SlackStandIn, page: Page) -> None:
    client = new_client(slack)
    root = await slack.post(ADA, GENERAL, "go")
    shown = {"id": "1", "title": "Read", "status": "in_progress", "details": "a.csv"}
    row = {"type": "task_update"} | shown
    started = await client.chat_startStream(
        channel=GENERAL, thread_ts=root, recipient_team_id=slack.team_id, recipient_user_id=ADA,
        task_display_mode="plan", chunks=[{"type": "plan_update", "title": "Plan"}, row],
    )  # fmt: skip
    while not (message := (await page.line("message"))["message"])["stream"]:
        pass
    assert (message["ts"], message["bot"]) == (started["ts"], True)
    stream = message["stream"]
    assert (stream["state"], stream["mode"], stream["title"]) == ("streaming", "plan", "Plan")
    assert stream["rows"] == [shown | {"output": "", "sources": []}]
    assert (await page.line("call"))["method"] == "chat.startStream"


async def test_the_bots_side_is_pushed_too(slack: SlackStandIn, page: Page) -> None:
    client = new_client(slack)
    root = await slack.post(ADA, GENERAL, "go")
    await client.agents_sessions_setStatus(
        channel_id=GENERAL, thread_ts=root, status="processing", title="Go"
    )
    while (session := (await page.line("session"))["session"])["status"] != "processing":
        pass
    assert (session["title"], session["can_stop"]) == ("Go", True)
    assert (await page.do("stop", user=ADA, channel=GENERAL, thread_ts=root))["ok"]
    await client.chat_postEphemeral(channel=GENERAL, user=MEI, text="you")
    assert (await page.line("ephemeral"))["user"] == MEI
    await client.views_publish(user_id=ADA, view={"type": "home", "blocks": [{"type": "divider"}]})
    assert (await page.line("view"))["view"]["blocks"][0]["type"] == "divider"
    slack.memberships.create_channel(ADA, "new")
    assert "new" in {channel["name"] for channel in (await page.line("state"))["channels"]}


async def test_refusals_are_sentences(page: Page) -> None:
    for what, fields, sentence in (
        ("post", {"user": ADA, "channel": GENERAL, "text": " "}, "nothing to send"),
        ("post", {"user": ADA, "channel": "D0MEI0002", "text": "x"}, "is not in a channel"),
        ("post", {"user": "U0HANDOFF", "channel": GENERAL, "text": "x"}, "no person"),
        ("post", {"user": ADA, "channel": GENERAL, "text": "x", "files": ["F0"]}, "no file F0"),
        ("edit", {"user": ADA, "channel": GENERAL, "ts": "1.0", "text": "x"}, "no longer exists"),
        ("slash", {"user": ADA, "channel": GENERAL, "command": "/handoff"}, "The bot is not connected"),
        ("stop", {"user": ADA, "channel": GENERAL, "thread_ts": "1.0"}, "Nothing is running"),
        ("fly", {}, "cannot do 'fly'"),
    ):
        answer = await page.do(what, **fields)
        assert not answer["ok"]
        assert sentence in answer["error"]
    await page.say("{")
    assert (await page.line("done"))["error"] == "The request is not JSON."


async def test_slacks_own_commands_change_who_is_there_and_close_a_channel(
    slack: SlackStandIn, page: Page
) -> None:
    async def typed(command: str, text: str = "", channel: str = GENERAL) -> str:
        answer = await page.do("slash", user=ADA, channel=channel, command=command, text=text)
        return str(answer["notice"] if answer["ok"] else answer["error"])

    def members() -> frozenset[str]:
        return slack.state.channels[GENERAL].members

    assert "is no longer in #general" in await typed("/remove", "@Handoff")
    assert slack.bot_user_id not in members()
    assert "Handoff is not in #general." in await typed("/remove", f"<@{slack.bot_user_id}>")
    assert "is in #general now" in await typed("/invite", "handoff")
    assert "already" in await typed("/invite", "@handoff")
    assert slack.bot_user_id in members()
    assert "Name a person or the bot" in await typed("/invite", "@nobody")
    assert "did not start this bot" in await typed("/clock", "+1d")
    assert "direct message" in await typed("/archive", channel="D0ADA0001")
    assert "not in this channel" in await typed("/archive", channel="D0MEI0002")
    assert "is archived" in await typed("/archive")
    refused = await page.do("post", user=ADA, channel=GENERAL, text="hello?")
    assert "is archived" in refused["error"]
    assert "open again" in await typed("/unarchive")
    assert (await page.do("post", user=ADA, channel=GENERAL, text="hello?"))["ok"]


async def test_files_go_up_and_come_down_harmless(
    slack: SlackStandIn, session: aiohttp.ClientSession, page: Page
) -> None:
    address, html = f"{slack.url}/page/api/files", b"<script>alert(1)</script>"
    async with session.post(address, params={"user": ADA, "name": "../x.html"}, data=html) as answer:
        file = (await answer.json())["file"]
    assert (file["name"], file["mimetype"], file["size"]) == ("x.html", "text/html", len(html))
    await page.do("post", user=ADA, channel=GENERAL, text="", files=[file["id"]])
    assert (await page.line("message"))["message"]["files"] == [file]
    async with session.get(slack.url + file["url"]) as answer:
        assert await answer.read() == html
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    async with session.post(address, params={"user": "nobody"}, data=b"x") as answer:
        assert (answer.status, (await answer.json())["ok"]) == (400, False)


async def test_other_sites_and_names_cannot_speak_here(
    slack: SlackStandIn, session: aiohttp.ClientSession
) -> None:
    live = f"{slack.url}/page/api/live"
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(live, origin="https://example.org")
    async with session.ws_connect(live, origin=slack.url) as socket:
        assert (await socket.receive_json())["type"] == "state"
    async with session.get(f"{slack.url}/page/api/state", headers={"Host": "rebound.example.org"}) as answer:
        assert answer.status == 403
    async with session.get(f"{slack.url}/page/..%2Fslack%2Fserver.py") as answer:
        assert answer.status == 404


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from([ADA, GENERAL])), st.sampled_from(ACTS)
)
async def test_any_request_is_done_or_refused_with_a_sentence(fields: Line, what: str) -> None:
    async with SlackStandIn(ack_deadline=0.01) as slack:
        commands = SlackCommands(slack.state, slack.people, slack.memberships)
        actions = PageActions(slack.people, slack.interactions, commands)
        try:
            answer = await actions.do(fields | {"do": what})
        except ActionRefused as refusal:
            answer = {"error": str(refusal)}
        assert answer.get("error", "Done.").endswith(".")


async def test_a_port_in_use_is_said_and_leaves_nothing_behind(slack: SlackStandIn) -> None:
    port = int(slack.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        async with SlackStandIn(port=port):
            pass
    async with SlackStandIn() as another:
        assert another.url != slack.url
