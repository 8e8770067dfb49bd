"""Light and dark, narrow and wide, still for those who want it still."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn
from tests.browser.people import ADA, DATA, GENERAL, MEI, channel, show_plan, thread

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
SIDEWAYS = "Math.max(document.querySelector('.page').scrollWidth, document.body.scrollWidth) > innerWidth"


async def ground(page: Page) -> int:
    """How light the channel's ground is: 0 black to 255 white."""
    color = await page.locator(".main").evaluate(
        "(el) => getComputedStyle(el).backgroundColor.match(/[0-9]+/g).map(Number)"
    )
    return int(sum(color[:3])) // 3


async def faint_texts(page: Page) -> list[tuple[str, str, str, float]]:
    """The texts that WCAG calls too faint to read, in light and dark: (scheme, class, text, contrast)."""
    found: list[tuple[str, str, str, float]] = []
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        texts = await page.evaluate(CONTRAST)
        assert len(texts) > 10
        found += [(scheme, name, text, round(ratio, 2)) for name, text, ratio in texts if ratio < 4.5]
    return found


async def test_dark_follows_the_system_and_the_choice_outlasts_a_reload(page: Page) -> None:
    await page.emulate_media(color_scheme="dark")
    await page.get_by_role("button", name="Use light colours").wait_for()
    assert await ground(page) < 50
    await page.get_by_role("button", name="Use light colours").click()
    assert await ground(page) > 240
    await page.reload()
    await page.get_by_role("button", name="Use dark colours").wait_for()
    assert await ground(page) > 240


async def test_text_stands_out_enough_in_light_and_dark(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    assert await faint_texts(page) == []  # the examples
    task = slack.people.post(ADA, GENERAL, "@Handoff go")
    slack.people.edit(ADA, GENERAL, task, "@Handoff go on")
    slack.people.post(MEI, DATA, f"<@{ADA}>, see this")
    text = f"Hello <@{ADA}> and <@{MEI}>, see <https://example.com|this> and `code`\n> quoted\n```print(1)```"
    await bot.chat_postMessage(channel=GENERAL, thread_ts=task, text=text)
    await bot.chat_postEphemeral(channel=GENERAL, user=ADA, text="only for you")
    await bot.reactions_add(channel=GENERAL, timestamp=task, name="eyes")
    await show_plan(slack, bot, task)
    styles: list[dict[str, Any]] = [{}, {"style": "primary"}, {"style": "danger"}]
    buttons = [
        {"type": "button", "action_id": f"b{n}", "text": {"type": "plain_text", "text": "Go"}} | style
        for n, style in enumerate(styles)
    ]
    note = {"type": "context", "elements": [{"type": "mrkdwn", "text": "a note"}]}
    await bot.chat_postMessage(
        channel=GENERAL, thread_ts=task, text="x", blocks=[note, {"type": "actions", "elements": buttons}]
    )
    await channel(page).first.locator(".reply-bar").click()
    await page.get_by_role("button", name="Show the bot's calls").click()
    with pytest.raises(SlackApiError):
        await bot.chat_update(channel=GENERAL, ts="1.1", text="x")
    await expect(page.locator(".call.failed")).to_be_visible()
    await expect(page.locator(".badge")).to_have_text("1")
    assert await faint_texts(page) == []
    await channel(page).first.hover()
    await channel(page).first.get_by_label("More").click()
    assert await faint_texts(page) == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox", name="Jump to")).to_be_focused()
    assert await faint_texts(page) == []


async def test_at_380_pixels_nothing_is_cut_off_and_everything_is_near(
    page: Page, slack: SlackStandIn
) -> None:
    task = slack.people.post(ADA, GENERAL, "a " + "very" * 60 + " long word, and `code` " + "x" * 200)
    timeline = f"```orchestrator          {'━' * 24}  3 turns, 1,200 tokens```"
    slack.people.post(ADA, GENERAL, f"| a | b |\n{timeline}", thread_ts=task)
    await page.set_viewport_size({"width": 380, "height": 700})
    await channel(page).first.wait_for()
    assert not await page.evaluate(SIDEWAYS)
    await expect(page.get_by_role("button", name="data")).not_to_be_in_viewport()
    await page.get_by_role("button", name="Channels").click()
    await expect(page.get_by_role("button", name="data")).to_be_in_viewport()
    await page.keyboard.press("Escape")
    await page.locator(".reply-bar").click()
    await expect(thread(page)).to_have_count(2)
    await expect(page.locator(".main")).to_be_hidden()
    assert not await page.evaluate(SIDEWAYS)
    assert await thread(page).locator("pre").evaluate("(el) => el.scrollWidth <= el.clientWidth")
    await page.get_by_role("button", name="Close thread").click()
    await expect(page.locator(".main")).to_be_visible()


async def test_reduced_motion_stops_what_turns(page: Page, bot: AsyncWebClient, slack: SlackStandIn) -> None:
    task = slack.people.post(ADA, GENERAL, "go")
    await bot.chat_startStream(
        channel=GENERAL,
        thread_ts=task,
        recipient_team_id=slack.team_id,
        recipient_user_id=ADA,
        task_display_mode="plan",
        chunks=[{"type": "task_update", "id": "a", "title": "a", "status": "in_progress"}],
    )
    await page.locator(".reply-bar").click()
    spinner = page.locator(".task .spin")
    duration = "(el) => parseFloat(getComputedStyle(el).animationDuration)"
    assert await spinner.evaluate(duration) == 0
    await page.emulate_media(reduced_motion="no-preference")
    assert await spinner.evaluate(duration) > 0


async def test_a_long_thread_stays_at_its_end_and_offers_the_way_back(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    for number in range(40):
        slack.people.post(ADA, GENERAL, f"message {number}")
    await expect(channel(page).last).to_be_in_viewport()
    await channel(page).first.scroll_into_view_if_needed()
    await bot.chat_postMessage(channel=GENERAL, text="news")
    await expect(channel(page)).to_have_count(41)
    await expect(channel(page).last).not_to_be_in_viewport()
    await page.get_by_role("button", name="Latest messages").click()
    await expect(channel(page).last).to_be_in_viewport()


async def test_the_line_of_what_is_new_shows_on_coming_back_and_not_while_watching(
    page: Page, slack: SlackStandIn
) -> None:
    slack.people.post(MEI, GENERAL, "seen as it came")
    await expect(channel(page)).to_have_count(1)
    await expect(page.locator(".divider.new")).to_have_count(0)
    await page.get_by_role("button", name="data").click()
    slack.people.post(MEI, GENERAL, "missed")
    await expect(page.locator("[data-channel=C0GENERAL].unread")).to_be_visible()
    await page.get_by_role("button", name="general").click()
    await expect(page.locator(".divider.new + article")).to_contain_text("missed")
    assert await faint_texts(page) == []
