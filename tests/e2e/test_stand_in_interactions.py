"""Buttons, commands, shortcuts, App Home and modals with a real Bolt app, and its answers to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from playground.slack import SlackStandIn
from playground.slack.errors import ActionRefused, NotAnswered
from playground.slack.triggers import LIFETIME
from tests.support.bolt import connected, new_app, new_client

GENERAL, ADA, MEI = "C0GENERAL", "U0ADA0001", "U0MEI0002"
Body = dict[str, Any]


def plain(text: str) -> Body:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Body:
    return {"text": plain(value), "value": value}


MENU = {"type": "static_select", "action_id": "pick", "options": [option("1"), option("2")]}
STOP = {"type": "button", "action_id": "stop", "text": plain("Stop"), "value": "run-1"}
RATE = {
    "type": "feedback_buttons",
    "action_id": "rate",
    "positive_button": option("good"),
    "negative_button": option("bad"),
}
BLOCKS: list[Body] = [
    {"type": "actions", "block_id": "b1", "elements": [STOP, MENU]},
    {"type": "context_actions", "block_id": "b2", "elements": [RATE]},
]
NAME = {"type": "plain_text_input", "action_id": "value"}
MODAL: Body = {
    "type": "modal",
    "callback_id": "settings",
    "title": plain("Settings"),
    "submit": plain("Save"),
    "blocks": [{"type": "input", "block_id": "name", "label": plain("Name"), "element": NAME}],
}


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn(rate_limits=False, ack_deadline=20) as running:
        yield running


async def test_a_click_shows_who_pressed_what_where(slack: SlackStandIn, app: AsyncApp) -> None:
    pressed: list[Body] = []

    @app.action("stop")
    @app.action("pick")
    @app.action("rate")
    async def press(ack: Any, body: Body) -> None:
        pressed.append(body)
        await ack()

    root = await slack.post(ADA, GENERAL, "go")
    ts = (await app.client.chat_postMessage(channel=GENERAL, thread_ts=root, text="x", blocks=BLOCKS))["ts"]
    async with connected(slack, app):
        await slack.click(MEI, GENERAL, ts, "stop")
        await slack.click(MEI, GENERAL, ts, "pick", selected="2", block_id="b1")
        await slack.click(ADA, GENERAL, ts, "rate", "bad")
        with pytest.raises(ActionRefused, match="nothing named gone"):
            await slack.click(ADA, GENERAL, ts, "gone")
    stop, pick, rate = pressed
    assert (stop["user"]["id"], stop["container"]["message_ts"], stop["container"]["thread_ts"]) == (
        MEI,
        ts,
        root,
    )
    assert (stop["actions"][0]["value"], stop["actions"][0]["block_id"]) == ("run-1", "b1")
    assert stop["message"]["blocks"][0]["elements"][0]["action_id"] == "stop"
    assert pick["actions"][0]["selected_option"] == option("2")
    assert (rate["actions"][0]["type"], rate["actions"][0]["value"]) == ("feedback_buttons", "bad")


async def test_a_press_that_no_one_answers_says_so() -> None:
    async with SlackStandIn(ack_deadline=0.2) as slack:
        app = new_app(slack)
        ts = (await app.client.chat_postMessage(channel=GENERAL, text="x", blocks=BLOCKS))["ts"]
        with pytest.raises(NotAnswered, match="not connected"):
            await slack.click(ADA, GENERAL, ts, "stop")
        async with connected(slack, app):
            with pytest.raises(NotAnswered, match="timeout"):
                await slack.click(ADA, GENERAL, ts, "stop")


async def test_an_answer_goes_to_the_response_url(slack: SlackStandIn, app: AsyncApp) -> None:
    @app.action("stop")
    async def press(ack: Any, respond: Any) -> None:
        await ack()
        await respond("only you", replace_original=False)
        await respond(text="all", response_type="in_channel", replace_original=False)
        await respond(text="stopped", replace_original=True)
        refused = await respond(text="x", blocks=[{"type": "nonsense"}], replace_original=False)
        assert refused.status_code == 400
        await respond(delete_original=True)
        late = await respond("too late")
        assert (late.status_code, "used_url" in late.body) == (404, True)
        await app.client.chat_postMessage(channel=GENERAL, text="over")

    ts = (await app.client.chat_postMessage(channel=GENERAL, text="x", blocks=BLOCKS))["ts"]
    texts: list[str] = []
    with slack.state.listening(lambda _: texts.extend(m.text for m in slack.state.messages if m.ts == ts)):
        async with connected(slack, app):
            await slack.click(ADA, GENERAL, ts, "stop")
            await slack.wait_for(lambda state: [m for m in state.messages if m.text == "over"])
    assert [(shown.user, shown.message.text) for shown in slack.state.ephemerals] == [(ADA, "only you")]
    assert "stopped" in texts
    assert [message.text for message in slack.state.messages] == ["all", "over"]


async def test_a_command_is_answered_to_the_person(slack: SlackStandIn, app: AsyncApp) -> None:
    @app.command("/handoff")
    async def run(ack: Any, command: Body, respond: Any) -> None:
        await ack(f"{command['user_id']} {command['channel_name']} {command['text']}")
        await respond("later")

    async with connected(slack, app):
        await slack.slash(ADA, GENERAL, "handoff", "status")
        await slack.wait_for(lambda state: len(state.ephemerals) == 2)
    shown = {shown.message.text for shown in slack.state.ephemerals}
    assert shown == {f"{ADA} general status", "later"}


async def test_a_message_shortcut_brings_its_message(slack: SlackStandIn, app: AsyncApp) -> None:
    chosen: list[Body] = []

    @app.shortcut("handoff_message")
    async def choose(ack: Any, shortcut: Body) -> None:
        await ack()
        chosen.append(shortcut)

    ts = await slack.post(MEI, GENERAL, "please do")
    async with connected(slack, app):
        await slack.shortcut(ADA, GENERAL, ts, "handoff_message")
    assert (chosen[0]["user"]["id"], chosen[0]["message"]["user"], chosen[0]["message"]["text"]) == (
        ADA, MEI, "please do",
    )  # fmt: skip


async def test_home_is_published_and_pressed(slack: SlackStandIn, app: AsyncApp) -> None:
    pressed: list[Body] = []

    @app.event("app_home_opened")
    async def publish(event: Body, client: Any) -> None:
        view = {"type": "home", "blocks": BLOCKS[:1]}
        await client.views_publish(user_id=event["user"], view=view)

    @app.action("stop")
    async def press(ack: Any, body: Body) -> None:
        await ack()
        pressed.append(body)

    async with connected(slack, app):
        await slack.open_home(ADA)
        view = await slack.wait_for(lambda state: state.homes.get(ADA))
        assert view is not None
        await slack.interactions.click(ADA, None, None, action_id="stop", view_id=view["id"])
    assert (pressed[0]["view"]["id"], pressed[0]["container"]["type"]) == (view["id"], "view")
    client = new_client(slack)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id=ADA, view={"type": "home", "blocks": []}, hash="0.0")
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.views_publish(user_id=ADA, view=MODAL)


async def test_a_modal_is_filled_corrected_and_sent(slack: SlackStandIn, app: AsyncApp) -> None:
    sent: list[Body] = []

    @app.command("/settings")
    async def show(ack: Any, body: Body, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("settings")
    async def take(ack: Any, view: Body) -> None:
        name = view["state"]["values"]["name"]["value"]["value"]
        if not name:
            await ack(response_action="errors", errors={"name": "A name is needed."})
            return
        sent.append(view)
        await ack()

    async with connected(slack, app):
        await slack.slash(ADA, GENERAL, "/settings")
        view = await slack.wait_for(lambda state: state.modals.get(ADA))
        assert view is not None
        with pytest.raises(ActionRefused, match="A name is needed"):
            await slack.submit(ADA, view["id"], {"name": {"value": ""}})
        assert ADA in slack.state.modals
        await slack.submit(ADA, view["id"], {"name": {"value": {"type": "plain_text_input", "value": "Ada"}}})
    assert ADA not in slack.state.modals
    assert sent[0]["callback_id"] == "settings"


async def test_a_trigger_is_short_lived_and_used_once(slack: SlackStandIn, app: AsyncApp) -> None:
    triggers: asyncio.Queue[str] = asyncio.Queue()

    @app.command("/settings")
    async def show(ack: Any, body: Body) -> None:
        await ack()
        await triggers.put(body["trigger_id"])

    async with connected(slack, app):
        await slack.slash(ADA, GENERAL, "/settings")
        await slack.slash(ADA, GENERAL, "/settings")
    first, second = await triggers.get(), await triggers.get()
    client = new_client(slack)
    await client.views_open(trigger_id=first, view=MODAL)
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await client.views_open(trigger_id=first, view=MODAL)
    await asyncio.sleep(LIFETIME + 0.1)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=second, view=MODAL)
