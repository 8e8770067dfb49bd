"""Writing, editing, deleting and drafts, as the one who types sees them."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from playground.slack import SlackStandIn
from tests.browser.people import ADA, GENERAL, MEI, box, channel, thread_box, write


async def test_enter_sends_and_the_mention_reaches_the_server_as_a_reference(
    page: Page, slack: SlackStandIn
) -> None:
    await write(page, "@Handoff Execute hello world in Python")
    await expect(channel(page).locator(".mention")).to_have_text("@Handoff")
    (message,) = slack.state.messages
    assert message.text == f"<@{slack.bot_user_id}> Execute hello world in Python"
    assert (message.user, message.channel) == (ADA, GENERAL)
    await expect(box(page)).to_have_value("")


async def test_shift_enter_is_a_new_line(page: Page, slack: SlackStandIn) -> None:
    await box(page).fill("one")
    await box(page).press("Shift+Enter")
    await box(page).press_sequentially("two")
    await box(page).press("Enter")
    await expect(channel(page).locator(".text p")).to_have_text("onetwo")
    assert slack.state.messages[0].text == "one\ntwo"
    await expect(channel(page).locator(".text br")).to_have_count(1)


async def test_at_completes_people_and_enter_takes_the_choice_instead_of_sending(
    page: Page, slack: SlackStandIn
) -> None:
    await box(page).press_sequentially("ask @m")
    await expect(page.get_by_role("option")).to_have_text(["MTMei Tanaka@mei"])
    await box(page).press("Enter")
    await expect(box(page)).to_have_value("ask @Mei Tanaka ")
    assert not slack.state.messages
    await box(page).press("Enter")
    await expect(channel(page).locator(".mention")).to_have_text("@Mei Tanaka")
    assert slack.state.messages[0].text == f"ask <@{MEI}>"


async def test_arrows_choose_and_escape_leaves_the_completion(page: Page) -> None:
    await box(page).press_sequentially("@")
    await expect(page.get_by_role("option", selected=True)).to_contain_text("Handoff")
    await box(page).press("ArrowDown")
    await expect(page.get_by_role("option", selected=True)).to_contain_text("Mei")
    await box(page).press("Escape")
    await expect(page.get_by_role("listbox")).to_have_count(0)
    await expect(box(page)).to_be_focused()


@pytest.mark.parametrize(("typed", "wanted"), [("see #da", "see #data "), ("well :tad", "well 🎉 ")])
async def test_channels_and_emoji_complete_by_tab(page: Page, typed: str, wanted: str) -> None:
    await box(page).press_sequentially(typed)
    await page.get_by_role("option").first.wait_for()
    await box(page).press("Tab")
    await expect(box(page)).to_have_value(wanted)


async def test_examples_fill_the_composer_and_those_not_sent_yet_stay_above_it(page: Page) -> None:
    await expect(page.get_by_role("group", name="Try next")).to_have_count(0)
    await page.get_by_role("button", name="Run a first program").click()
    await expect(box(page)).to_have_value("@Handoff Execute hello world in Python")
    await box(page).press("Enter")
    rest = page.get_by_role("group", name="Try next").get_by_role("button")
    await expect(rest).to_have_text(["Three workers at once", "Draw a plot", "Read a table"])
    await rest.last.click()
    await expect(box(page)).to_have_value(re.compile("Read the attached CSV"))
    await expect(page.locator(".attachment")).to_contain_text("sales.csv")
    await expect(rest).to_have_count(3)


async def test_up_in_an_empty_box_edits_the_last_message(page: Page, slack: SlackStandIn) -> None:
    await write(page, "helo @Mei, well?")
    await expect(channel(page)).to_have_count(1)
    await box(page).press("ArrowUp")
    editor = page.get_by_label("Edit the message")
    await expect(editor).to_have_value("helo @Mei Tanaka, well?")
    await editor.fill("hello @Mei Tanaka, well?")
    await editor.press("Enter")
    await expect(channel(page).locator(".text")).to_have_text("hello @Mei Tanaka, well? (edited)")
    assert slack.state.messages[0].text == f"hello <@{MEI}>, well?"


async def test_deleting_asks_first_and_only_offers_it_for_ones_own(page: Page, slack: SlackStandIn) -> None:
    slack.people.post(MEI, GENERAL, "mine, says Mei")
    await write(page, "mine, says Ada")
    await expect(channel(page)).to_have_count(2)
    await channel(page).first.hover()
    await channel(page).first.get_by_label("More").click()
    await expect(page.get_by_role("menuitem", name="Delete message…")).to_have_count(0)
    await page.keyboard.press("Escape")
    await channel(page).last.hover()
    await channel(page).last.get_by_label("More").click()
    await page.get_by_role("menuitem", name="Delete message…").click()
    await page.get_by_role("button", name="Delete", exact=True).click()
    await expect(channel(page)).to_have_count(1)
    assert [message.user for message in slack.state.messages] == [MEI]


async def test_a_draft_waits_in_its_channel(page: Page) -> None:
    await box(page).fill("half a thought")
    await page.get_by_role("button", name="data").click()
    await expect(box(page)).to_have_value("")
    await page.get_by_role("button", name="general").click()
    await expect(box(page)).to_have_value("half a thought")


async def test_a_command_in_a_thread_is_refused_in_words_and_kept(page: Page) -> None:
    await write(page, "start")
    await channel(page).first.press("Enter")
    await thread_box(page).fill("/handoff status")
    await thread_box(page).press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Slack has no slash commands in threads")
    await expect(thread_box(page)).to_have_value("/handoff status")


async def test_a_refused_message_comes_back_into_the_box(page: Page, slack: SlackStandIn) -> None:
    await write(page, "x" * 40_001)
    await expect(page.get_by_role("alert")).to_contain_text("longer than 40,000 characters")
    await expect(box(page)).to_have_value("x" * 40_001)
    assert not slack.state.messages


async def test_another_person_can_speak_and_sees_what_is_new(page: Page, slack: SlackStandIn) -> None:
    await write(page, "for @Mei Tanaka")
    await expect(channel(page)).to_have_count(1)
    await page.get_by_role("button", name="data").click()
    await page.get_by_role("button", name="You speak as").click()
    await page.get_by_role("menuitemradio", name="Mei Tanaka").click()
    await expect(page.locator("[data-channel=C0GENERAL] .badge")).to_have_text("1")
    await write(page, "here I am")
    await expect(channel(page).last.locator(".author")).to_have_text("Mei Tanaka")
    assert slack.state.messages[-1].user == MEI
    await page.get_by_role("button", name="general").click()
    await expect(page.locator(".badge")).to_have_count(0)
