"""Block Kit: what is drawn, and that a choice reaches the bot as Slack would send it."""

from __future__ import annotations

import asyncio
from typing import Any

from playwright.async_api import Page, expect
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn
from tests.browser.people import ADA, ADAS_DM, GENERAL, channel, write
from tests.support.bolt import connected, new_app


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def button(action: str, text: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": action, "text": plain(text), "value": action, **more}


def listening(slack: SlackStandIn) -> tuple[AsyncApp, asyncio.Queue[dict[str, Any]]]:
    """An app that puts the body of every interaction into a queue."""
    app = new_app(slack)
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def hear(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        heard.put_nowait(body)

    for action in ("go", "rate", "size", "stop"):
        app.action(action)(hear)
    app.view("ask")(hear)
    app.shortcut("handoff_message")(hear)
    return app, heard


async def test_a_button_and_a_menu_reach_the_bot(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    app, heard = listening(slack)
    options = [{"text": plain(size), "value": size} for size in ("small", "large")]
    menu = {"type": "static_select", "action_id": "size", "placeholder": plain("Size"), "options": options}
    await bot.chat_postMessage(
        channel=GENERAL,
        text="fallback",
        blocks=[{"type": "actions", "block_id": "b", "elements": [button("go", "Go"), menu]}],
    )
    async with connected(slack, app):
        await page.get_by_role("button", name="Go", exact=True).click()
        body = await heard.get()
        assert (body["user"]["id"], body["actions"][0]["value"], body["actions"][0]["block_id"]) == (
            ADA,
            "go",
            "b",
        )
        await channel(page).get_by_role("combobox").select_option("large")
        assert (await heard.get())["actions"][0]["selected_option"]["value"] == "large"
    await expect(channel(page)).not_to_contain_text("fallback")


async def test_a_button_that_asks_back_acts_only_after_yes(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    app, heard = listening(slack)
    confirm = {
        "title": plain("Stop it?"),
        "text": plain("Work is lost."),
        "confirm": plain("Stop it"),
        "deny": plain("Keep"),
    }
    await bot.chat_postMessage(
        channel=GENERAL,
        text="x",
        blocks=[{"type": "actions", "elements": [button("stop", "Stop all", confirm=confirm)]}],
    )
    async with connected(slack, app):
        await page.get_by_role("button", name="Stop all").click()
        await page.get_by_role("button", name="Keep").click()
        await page.get_by_role("button", name="Stop all").click()
        await page.get_by_role("button", name="Stop it").click()
        assert (await heard.get())["actions"][0]["action_id"] == "stop"
        assert heard.empty()


async def test_feedback_is_sent_and_stays_pressed(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    app, heard = listening(slack)
    pair = {
        "type": "feedback_buttons",
        "action_id": "rate",
        "positive_button": {"text": plain("Good answer"), "value": "good"},
        "negative_button": {"text": plain("Bad answer"), "value": "bad"},
    }
    section = {"type": "section", "text": plain("42")}
    await bot.chat_postMessage(
        channel=GENERAL, text="42", blocks=[section, {"type": "context_actions", "elements": [pair]}]
    )
    async with connected(slack, app):
        await page.get_by_role("button", name="Good answer").click()
        assert (await heard.get())["actions"][0]["value"] == "good"
    await expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "false")


async def test_a_click_no_one_answers_says_so(page: Page, bot: AsyncWebClient) -> None:
    await bot.chat_postMessage(
        channel=GENERAL, text="x", blocks=[{"type": "actions", "elements": [button("go", "Go")]}]
    )
    await page.get_by_role("button", name="Go", exact=True).click()
    await expect(page.get_by_role("alert").locator(".notice")).to_be_visible()


async def test_every_kind_of_text_block_is_drawn(page: Page, bot: AsyncWebClient) -> None:
    styled = {"type": "text", "text": "bold", "style": {"bold": True}}
    cells = [
        [{"type": "raw_text", "text": text} for text in line] for line in (("city", "people"), ("Lima", "10"))
    ]
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain("A header :tada:")},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*strong* and <https://example.com|a link>"}},
        {"type": "section", "fields": [plain("one"), plain("two")]},
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "_small_"}]},
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_section", "elements": [styled, {"type": "emoji", "name": "eyes"}]},
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "elements": [
                        {"type": "rich_text_section", "elements": [{"type": "text", "text": "item"}]}
                    ],
                },
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "print(1)"}]},
            ],
        },
        {"type": "table", "rows": cells},
    ]
    await bot.chat_postMessage(channel=GENERAL, text="fallback", blocks=blocks)
    message = channel(page).last
    await expect(message.get_by_role("heading", name="A header")).to_contain_text("🎉")
    await expect(message.get_by_role("link", name="a link")).to_have_attribute("href", "https://example.com/")
    await expect(message.locator(".fields > div")).to_have_text(["one", "two"])
    await expect(message.locator(".blocks strong")).to_have_text(["strong", "bold"])
    await expect(message.locator("li")).to_have_text("item")
    await expect(message.locator("pre")).to_have_text("print(1)")
    await expect(message.locator("td")).to_have_text(["Lima", "10"])
    await expect(message.locator(".context em")).to_have_text("small")


async def test_markdown_is_drawn_with_tables_lists_and_fences(page: Page, bot: AsyncWebClient) -> None:
    text = (
        "# Title\n\nOne **two** *three* `four` ~~five~~ [six](https://example.com/6)\n"
        "- a\n  1. b\n  2. c\n- [x] d\n\n> quoted\n> more\n\n| k | v |\n|:--|--:|\n| x | 1 |\n\n"
        "```py\nif a < b:\n    pass\n```\n---\nend"
    )
    await bot.chat_postMessage(channel=GENERAL, markdown_text=text)
    message = channel(page).last
    await expect(message.locator(".h1")).to_have_text("Title")
    await expect(message.locator("p strong")).to_have_text("two")
    await expect(message.locator("p s")).to_have_text("five")
    await expect(message.locator("ul > li > ol > li")).to_have_text(["b", "c"])
    await expect(message.locator("li input")).to_be_checked()
    await expect(message.locator("blockquote")).to_have_text("quotedmore")
    await expect(message.locator("td.right")).to_have_text("1")
    await expect(message.locator("pre code")).to_have_text("if a < b:\n    pass")
    await expect(message.locator(".text > hr")).to_have_count(1)


async def test_the_home_tab_shows_what_the_bot_published(page: Page, slack: SlackStandIn) -> None:
    app, heard = listening(slack)

    @app.event("app_home_opened")
    async def publish(event: dict[str, Any], client: AsyncWebClient) -> None:
        if event["tab"] == "home":
            blocks = [
                {"type": "header", "text": plain("Your tasks")},
                {"type": "actions", "elements": [button("go", "New task")]},
            ]
            await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    async with connected(slack, app):
        await page.locator(f"[data-channel={ADAS_DM}]").click()
        await page.get_by_role("tab", name="Home").click()
        await expect(page.get_by_role("heading", name="Your tasks")).to_be_visible()
        await page.get_by_role("button", name="New task").click()
        assert (await heard.get())["view"]["type"] == "home"


async def test_a_modal_is_filled_in_and_submitted(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    app, heard = listening(slack)
    options = [{"text": plain(size), "value": size} for size in ("small", "large")]
    view = {
        "type": "modal",
        "callback_id": "ask",
        "title": plain("Settings"),
        "submit": plain("Save"),
        "blocks": [
            {
                "type": "input",
                "block_id": "name",
                "label": plain("Name"),
                "element": {"type": "plain_text_input", "action_id": "text"},
            },
            {
                "type": "input",
                "block_id": "size",
                "label": plain("Size"),
                "element": {"type": "radio_buttons", "action_id": "one", "options": options},
            },
        ],
    }

    @app.action("open")
    async def show(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    await bot.chat_postMessage(
        channel=GENERAL, text="x", blocks=[{"type": "actions", "elements": [button("open", "Open it")]}]
    )
    async with connected(slack, app):
        await page.get_by_role("button", name="Open it").click()
        dialog = page.get_by_role("dialog", name="Settings")
        await dialog.get_by_label("Name").fill("Ada's")
        await dialog.get_by_label("large").check()
        await dialog.get_by_role("button", name="Save").click()
        values = (await heard.get())["view"]["state"]["values"]
        await expect(dialog).to_have_count(0)
    assert values["name"]["text"]["value"] == "Ada's"
    assert values["size"]["one"]["selected_option"]["value"] == "large"


async def test_the_message_shortcut_hands_a_message_off(page: Page, slack: SlackStandIn) -> None:
    app, heard = listening(slack)
    ts = slack.people.post(ADA, GENERAL, "somebody should sum this up")
    async with connected(slack, app):
        await channel(page).first.hover()
        await channel(page).first.get_by_label("More").click()
        await page.get_by_role("menuitem", name="Hand off this message").click()
        body = await heard.get()
    assert (body["callback_id"], body["message"]["ts"]) == ("handoff_message", ts)


async def test_a_slash_command_is_answered_in_private(page: Page, slack: SlackStandIn) -> None:
    app = new_app(slack)

    @app.command("/handoff")
    async def answer(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack(f"You asked for {body['text']}.")

    async with connected(slack, app):
        await write(page, "/handoff status of all")
        await expect(channel(page)).to_contain_text("You asked for status of all.")
        await expect(channel(page)).to_contain_text("Only visible to you")
    assert not slack.state.messages


async def test_an_alert_and_a_forward_are_drawn(page: Page, slack: SlackStandIn) -> None:
    field = {"title": "Service", "value": "pay"}
    alert = {"title": "FIRING: error rate", "text": "since *abc123*", "fields": [field]}
    slack.people.post_as_app("Grafana", GENERAL, attachments=[alert])
    forward = {"author_name": "Bo Li", "text": "The budget is 40,000."}
    slack.people.post(ADA, GENERAL, "see", attachments=[forward])
    for words in ("FIRING: error rate", "since abc123", "Service pay", "Bo Li", "The budget is 40,000."):
        await expect(page.locator(".main .attached", has_text=words)).to_be_visible()


async def test_a_data_table_and_charts_are_drawn(page: Page, bot: AsyncWebClient) -> None:
    rows = [[{"type": "raw_text", "text": "Name"}], [{"type": "raw_number", "value": 1234, "text": "1,234"}]]
    table = {"type": "data_table", "caption": "Names", "rows": rows}
    await bot.chat_postMessage(channel=GENERAL, text="a table", blocks=[table])
    await expect(page.get_by_role("table", name="Names").get_by_role("cell", name="1,234")).to_be_visible()

    points = [{"label": "Jan", "value": 3}, {"label": "Feb", "value": 5}]
    sales = {"series": [{"name": "2026", "data": points}], "axis_config": {"categories": ["Jan", "Feb"]}}
    for charts in (["line", "bar"], ["area", "pie"]):
        blocks = [
            {"type": "data_visualization", "title": f"A {kind}", "chart": {"type": kind, "segments": points}}
            if kind == "pie"
            else {"type": "data_visualization", "title": f"A {kind}", "chart": {"type": kind, **sales}}
            for kind in charts
        ]
        await bot.chat_postMessage(channel=GENERAL, text="charts", blocks=blocks)
        for kind in charts:
            drawn = page.get_by_role("img", name=f"{kind} chart: A {kind}.")
            await expect(drawn.locator("path").first).to_be_visible()
    await expect(page.get_by_text("2026: 3 to 5").first).to_be_visible()
