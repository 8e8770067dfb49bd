"""The keyboard alone is enough."""

from __future__ import annotations

from playwright.async_api import Page, expect

from playground.slack import SlackStandIn
from tests.browser.people import ADA, GENERAL, MEI, box, channel, thread, thread_box


async def test_the_switcher_jumps_to_a_channel(page: Page) -> None:
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="Jump to").fill("data")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator(".pane-head h2")).to_have_text("data")
    await expect(box(page)).to_be_focused()


async def test_the_switcher_moves_by_arrows_and_changes_the_speaker(page: Page) -> None:
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="Jump to").fill("speak")
    await expect(page.locator(".switcher-item")).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("option", selected=True)).to_contain_text("Diego")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="You speak as")).to_contain_text("Diego Quispe")


async def test_messages_are_walked_and_a_thread_opened_and_closed(page: Page, slack: SlackStandIn) -> None:
    for text in ("first", "second", "third"):
        slack.people.post(ADA, GENERAL, text)
    await expect(channel(page)).to_have_count(3)
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("k")
    await expect(channel(page).nth(2)).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("k")
    await expect(channel(page).nth(0)).to_be_focused()
    await page.keyboard.press("j")
    await expect(channel(page).nth(1)).to_be_focused()
    outline = await channel(page).nth(1).evaluate("(el) => getComputedStyle(el).outlineStyle")
    assert outline == "solid"
    await page.keyboard.press("Enter")
    await expect(thread(page)).to_contain_text("second")
    await expect(thread_box(page)).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(thread(page)).to_have_count(0)
    await expect(channel(page).nth(1)).to_be_focused()


async def test_letters_act_on_the_message_in_focus(page: Page, slack: SlackStandIn) -> None:
    slack.people.post(MEI, GENERAL, "of Mei")
    slack.people.post(ADA, GENERAL, "of Ada")
    await expect(channel(page)).to_have_count(2)
    await channel(page).last.press("e")
    await expect(page.get_by_label("Edit the message")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(channel(page).last).to_be_focused()
    await page.keyboard.press("r")
    await expect(page.get_by_label("Search emoji")).to_be_focused()
    await page.keyboard.press("Escape")
    await channel(page).first.press("e")
    await expect(page.get_by_label("Edit the message")).to_have_count(0)
    await channel(page).last.press("Delete")
    await expect(page.get_by_role("alertdialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("alertdialog")).to_have_count(0)
    await page.keyboard.press("/")
    await expect(box(page)).to_be_focused()


async def test_letters_typed_into_a_box_are_only_letters(page: Page) -> None:
    await box(page).press_sequentially("jk/?ire")
    await expect(box(page)).to_have_value("jk/?ire")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_everything_can_be_reached_by_tab_and_has_a_name(page: Page, slack: SlackStandIn) -> None:
    slack.people.post(ADA, GENERAL, "hello")
    await expect(channel(page)).to_have_count(1)
    nameless = await page.evaluate(
        """() => [...document.querySelectorAll("button, a, input, textarea, select")]
          .filter((el) => !(el.ariaLabel || el.textContent.trim() || el.title || el.ariaHidden === "true"))
          .map((el) => el.outerHTML)"""
    )
    assert nameless == []
    await expect(page.get_by_role("region", name="Messages")).to_be_visible()
    seen = set()
    for _ in range(40):
        await page.keyboard.press("Tab")
        seen.add(
            await page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent")
        )
    assert {"Attach files", "Keyboard shortcuts", "Jump to…Ctrl K", "#data"} <= seen


async def test_the_list_of_keys_opens_by_question_mark(page: Page) -> None:
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_a_dialog_keeps_the_keyboard_and_gives_it_back(page: Page) -> None:
    await box(page).fill("half")
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox", name="Jump to")).to_be_focused()
    for _ in range(4):
        await page.keyboard.press("Tab")
        assert not await page.evaluate("document.activeElement.closest('.beneath') !== null")
    await page.keyboard.press("Escape")
    await expect(box(page)).to_be_focused()
