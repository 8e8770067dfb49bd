"""axe-core on the page's main states: wide and narrow, light and dark."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page, ViewportSize, expect
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn
from tests.browser.people import ADA, ADAS_DM, GENERAL, MEI, channel, show_plan

SIZES: tuple[ViewportSize, ...] = ({"width": 1280, "height": 800}, {"width": 390, "height": 844})
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
TABLE = "# Result\n\n`code` and [a link](https://example.com).\n\n| Month | Sum |\n|---|---|\n| May | 42 |"


async def findings(page: Page, state: str) -> list[str]:
    """What axe finds in every size and scheme: the state, the rule and the element."""
    found = []
    for size in SIZES:
        await page.set_viewport_size(size)
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            results = (await Axe().run(page)).response
            assert len(results["passes"]) > 10
            found += [
                f"{state}, {size['width']} px, {scheme}: {rule['id']}: {node['html'][:200]}"
                for rule in results["violations"]
                for node in rule["nodes"]
            ]
    return found


async def fill(slack: SlackStandIn, bot: AsyncWebClient) -> str:
    """A thread with a plan, an answer, buttons and a file; returns its `ts`."""
    picture = slack.people.upload(ADA, "notes.txt", b"notes")
    task = slack.people.post(ADA, GENERAL, "@Handoff go", files=[picture])
    slack.people.post(MEI, GENERAL, f"<@{ADA}>, see <https://example.com|this> and `code`\n> quoted")
    await show_plan(slack, bot, task)
    rating = {"text": {"type": "plain_text", "text": "Good"}, "value": "good"}
    styles: list[dict[str, Any]] = [{}, {"style": "primary"}, {"style": "danger"}]
    go = {"type": "button", "text": {"type": "plain_text", "text": "Go"}}
    buttons = [{**go, "action_id": f"b{n}", **style} for n, style in enumerate(styles)]
    blocks: list[dict[str, Any]] = [
        {"type": "markdown", "text": TABLE},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "3.4 s"}]},
        {"type": "actions", "elements": buttons},
        {
            "type": "context_actions",
            "elements": [
                {
                    "type": "feedback_buttons",
                    "action_id": "feedback",
                    "positive_button": rating,
                    "negative_button": rating,
                }
            ],
        },
    ]
    await bot.chat_postMessage(channel=GENERAL, thread_ts=task, text="Result", blocks=blocks)
    await bot.reactions_add(channel=GENERAL, timestamp=task, name="eyes")
    await bot.views_publish(user_id=ADA, view={"type": "home", "blocks": blocks[:2]})
    return task


@pytest.mark.timeout(180)
async def test_axe_finds_nothing(page: Page, bot: AsyncWebClient, slack: SlackStandIn) -> None:
    found = await findings(page, "examples")
    task = await fill(slack, bot)
    await expect(channel(page)).to_have_count(2)
    found += await findings(page, "channel")
    await page.goto(f"{slack.url}#/{GENERAL}/{task}")
    await expect(page.get_by_role("cell", name="42", exact=True)).to_be_visible()
    found += await findings(page, "thread")
    await page.goto(f"{slack.url}#/{ADAS_DM}")
    await page.get_by_role("tab", name="Home").click()
    found += await findings(page, "Home")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    found += await findings(page, "keys")
    assert not found, "\n".join(sorted(set(found)))
