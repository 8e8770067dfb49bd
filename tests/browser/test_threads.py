"""Threads, reactions and whispers."""

from __future__ import annotations

from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn
from tests.browser.people import ADA, GENERAL, MEI, box, channel, thread, thread_box, write


async def test_a_reply_opens_the_thread_of_ones_own_task(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    async def hand_off(text: str) -> str:
        await write(page, f"@Handoff {text}")
        await expect(channel(page).last).to_contain_text(text)
        return slack.state.history(GENERAL)[-1].ts

    first = await hand_off("first")
    await bot.chat_postMessage(channel=GENERAL, thread_ts=first, text="On it.")
    await expect(thread(page)).to_have_count(2)
    await expect(channel(page).locator(".reply-bar")).to_contain_text("1 reply")
    second = await hand_off("second")
    await bot.chat_postMessage(channel=GENERAL, thread_ts=second, text="On it.")
    await expect(thread(page).first).to_contain_text("second")
    third = await hand_off("third")
    await box(page).fill("half a sentence")
    await bot.chat_postMessage(channel=GENERAL, thread_ts=third, text="On it.")
    await expect(channel(page).last.locator(".reply-bar")).to_contain_text("1 reply")
    await expect(thread(page).first).to_contain_text("second")


async def test_answering_in_a_thread_and_to_the_channel_too(page: Page, slack: SlackStandIn) -> None:
    ts = slack.people.post(MEI, GENERAL, "shall we?")
    await channel(page).first.hover()
    await channel(page).first.get_by_label("Reply in thread").click()
    await thread_box(page).fill("yes")
    await page.get_by_label("Also to #general").check()
    await thread_box(page).press("Enter")
    await expect(thread(page)).to_have_count(2)
    await expect(channel(page)).to_have_count(2)
    reply = slack.state.messages[-1]
    assert (reply.thread_ts, reply.broadcast, reply.text) == (ts, True, "yes")


async def test_a_new_reply_marks_the_thread_until_it_is_read(page: Page, slack: SlackStandIn) -> None:
    ts = slack.people.post(ADA, GENERAL, "who knows?")
    await expect(channel(page)).to_have_count(1)
    slack.people.post(MEI, GENERAL, "I do", thread_ts=ts)
    await expect(page.locator(".reply-bar .dot")).to_be_visible()
    await page.locator(".reply-bar").click()
    await expect(page.locator(".reply-bar .dot")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("complementary", name="Thread")).to_have_count(0)
    await expect(channel(page).first).to_be_focused()


async def test_reactions_are_seen_given_and_taken_back(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    await write(page, "@Handoff hello")
    await expect(channel(page)).to_have_count(1)
    (task,) = slack.state.messages
    await bot.reactions_add(channel=GENERAL, timestamp=task.ts, name="eyes")
    eyes = page.locator("[data-reaction=eyes]")
    await expect(eyes).to_have_text("👀1")
    await eyes.click()
    await expect(eyes).to_have_text("👀2")
    await expect(eyes).to_have_attribute("aria-pressed", "true")
    await eyes.click()
    await expect(eyes).to_have_text("👀1")
    assert [reaction.users for reaction in slack.state.messages[0].reactions] == [(slack.bot_user_id,)]


async def test_the_picker_finds_an_emoji_by_name(page: Page, slack: SlackStandIn) -> None:
    slack.people.post(MEI, GENERAL, "done")
    await channel(page).first.hover()
    await channel(page).first.get_by_label("Add a reaction").first.click()
    await page.get_by_label("Search emoji").fill("rocket")
    await page.get_by_label("Search emoji").press("Enter")
    await expect(page.locator("[data-reaction=rocket]")).to_have_text("🚀1")


async def test_a_whisper_is_for_one_person_and_can_be_dismissed(page: Page, bot: AsyncWebClient) -> None:
    await bot.chat_postEphemeral(channel=GENERAL, user=ADA, text="only for you")
    await bot.chat_postEphemeral(channel=GENERAL, user=MEI, text="only for Mei")
    await expect(channel(page)).to_have_count(1)
    await expect(channel(page)).to_contain_text("Only visible to you")
    await page.get_by_role("button", name="Dismiss").click()
    await expect(channel(page)).to_have_count(0)
