"""Light and dark, narrow and wide, still for those who want it still."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn
from tests.browser.people import ADA, GENERAL, MEI, channel, thread
from tests.support.browser import open_page

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
TEXTS = ".text p, .text a, .text code, .mention, .author, .stamp, .pane-head small, .model, .entry, h2, .hint"
SIDEWAYS = "Math.max(document.querySelector('.page').scrollWidth, document.body.scrollWidth) > innerWidth"


async def ground(page: Page) -> int:
    """How light the channel's ground is: 0 black to 255 white."""
    color = await page.locator(".main").evaluate(
        "(el) => getComputedStyle(el).backgroundColor.match(/[0-9]+/g).map(Number)"
    )
    return int(sum(color[:3])) // 3


async def test_dark_follows_the_system_and_the_choice_outlasts_a_reload(
    browser: Browser, slack: SlackStandIn
) -> None:
    async with open_page(browser, slack.url, color_scheme="dark") as page:
        await page.get_by_role("button", name="Use light colours").wait_for()
        assert await ground(page) < 50
        await page.get_by_role("button", name="Use light colours").click()
        assert await ground(page) > 240
        await page.reload()
        await page.get_by_role("button", name="Use dark colours").wait_for()
        assert await ground(page) > 240


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out_enough(
    browser: Browser, slack: SlackStandIn, bot: AsyncWebClient, scheme: str
) -> None:
    await bot.chat_postMessage(
        channel=GENERAL, text=f"Hello <@{ADA}>, see <https://example.com|this> and `code`"
    )
    async with open_page(browser, slack.url, color_scheme=scheme) as page:
        await channel(page).first.wait_for()
        contrasts = await page.evaluate(CONTRAST, TEXTS)
    assert contrasts
    assert not [(name, round(ratio, 2)) for name, ratio in contrasts if ratio < 4.5]


async def test_at_380_pixels_nothing_is_cut_off_and_everything_is_near(
    browser: Browser, slack: SlackStandIn
) -> None:
    task = slack.people.post(ADA, GENERAL, "a " + "very" * 60 + " long word, and `code` " + "x" * 200)
    slack.people.post(ADA, GENERAL, "| a | b |", thread_ts=task)
    async with open_page(browser, slack.url, viewport={"width": 380, "height": 700}, has_touch=True) as page:
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
        await page.get_by_role("button", name="Close thread").click()
        await expect(page.locator(".main")).to_be_visible()


async def test_reduced_motion_stops_what_turns(
    browser: Browser, slack: SlackStandIn, bot: AsyncWebClient
) -> None:
    task = slack.people.post(ADA, GENERAL, "go")
    await bot.chat_startStream(
        channel=GENERAL,
        thread_ts=task,
        recipient_team_id=slack.team_id,
        recipient_user_id=ADA,
        task_display_mode="plan",
        chunks=[{"type": "task_update", "id": "a", "title": "a", "status": "in_progress"}],
    )
    async with open_page(browser, slack.url, reduced_motion="reduce") as page:
        await page.locator(".reply-bar").click()
        turning = await page.locator(".task .spin").evaluate("(el) => getComputedStyle(el).animationDuration")
        assert float(turning.removesuffix("s")) == 0


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
