"""The line to the server: live in every tab, and back by itself after it broke."""

from __future__ import annotations

from playwright.async_api import Browser, Page, expect

from playground.slack import SlackStandIn
from tests.browser.people import ADA, GENERAL, MEI, box, channel, write
from tests.support.browser import KeptPage, open_page


async def test_two_tabs_see_each_other_at_once(page: Page, browser: Browser, slack: SlackStandIn) -> None:
    async with open_page(browser, slack.url) as other:
        await other.get_by_role("button", name="You speak as").click()
        await other.get_by_role("menuitemradio", name="Mei Tanaka").click()
        await write(page, "hello Mei")
        await expect(channel(other)).to_contain_text("hello Mei")
        await write(other, "hello Ada")
        await expect(channel(page).last).to_contain_text("hello Ada")


async def test_a_broken_line_comes_back_and_what_was_missed_is_there(kept_page: KeptPage, port: int) -> None:
    async with SlackStandIn(port=port) as slack:
        slack.people.post(ADA, GENERAL, "before")
        tab = kept_page.visit(slack.url)
        page = await tab.__aenter__()
        await expect(channel(page)).to_have_count(1)
        await box(page).fill("typed before the line broke")
    await expect(page.get_by_text("Connection lost. Reconnecting…")).to_be_visible()
    await box(page).press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Not connected right now")
    await expect(box(page)).to_have_value("typed before the line broke")
    async with SlackStandIn(port=port) as slack:
        slack.people.post(MEI, GENERAL, "while you were away")
        await expect(page.get_by_text("Connection lost. Reconnecting…")).to_have_count(0)
        await expect(channel(page)).to_have_count(1)
        await expect(channel(page)).to_contain_text("while you were away")
        await box(page).press("Enter")
        await expect(channel(page).last).to_contain_text("typed before the line broke")
        await tab.__aexit__(None, None, None)


async def test_a_reload_stays_where_one_was(page: Page, slack: SlackStandIn) -> None:
    slack.people.post(MEI, GENERAL, "look")
    await channel(page).first.press("Enter")
    await page.get_by_role("button", name="You speak as").click()
    await page.get_by_role("menuitemradio", name="Diego Quispe").click()
    await page.reload()
    await expect(page.get_by_role("complementary", name="Thread")).to_contain_text("look")
    await expect(page.get_by_role("button", name="You speak as")).to_contain_text("Diego Quispe")
