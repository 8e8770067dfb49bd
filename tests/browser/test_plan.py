"""Work as it goes on: the plan with its rows, streamed text, the session's line and its Stop."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn
from tests.browser.people import ADA, GENERAL, channel, thread
from tests.support.bolt import connected, new_app


async def start(page: Page, bot: AsyncWebClient, slack: SlackStandIn, **how: Any) -> tuple[str, str]:
    """A task of Ada's with its thread open, and the bot's stream in it."""
    task = slack.people.post(ADA, GENERAL, "@Handoff three things")
    answer = await bot.chat_startStream(
        channel=GENERAL, thread_ts=task, recipient_team_id=slack.team_id, recipient_user_id=ADA, **how
    )
    await channel(page).first.get_by_role("button", name="1 reply").click()
    return task, str(answer["ts"])


def row(number: int, title: str, status: str, **more: Any) -> dict[str, Any]:
    return {"type": "task_update", "id": f"w{number}", "title": title, "status": status, **more}


async def test_a_plan_has_one_row_per_worker_and_follows_each(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    chunks = [
        {"type": "plan_update", "title": "Three parts"},
        row(1, "Primes", "in_progress", details="running python"),
        row(2, "Words", "pending"),
        row(3, "Fridays", "in_progress"),
    ]
    _, ts = await start(page, bot, slack, task_display_mode="plan", chunks=chunks)
    plan = thread(page).get_by_role("region", name="Three parts")
    await expect(plan.locator(".task")).to_have_count(3)
    await expect(plan.locator("[data-row=w1]")).to_contain_text("running python")
    await expect(plan.locator("[data-row=w1] [role=img]")).to_have_attribute("aria-label", "working")
    await expect(plan.locator(".plan-count")).to_have_text("0/3")
    await bot.chat_appendStream(channel=GENERAL, ts=ts, chunks=[row(1, "Primes", "complete", output="7919")])
    await bot.chat_stopStream(
        channel=GENERAL, ts=ts, chunks=[row(3, "Fridays", "error", output="no calendar")]
    )
    await expect(plan.locator("[data-row=w1]")).to_contain_text("7919")
    await expect(plan.locator("[data-row=w1] [role=img]")).to_have_attribute("aria-label", "done")
    await expect(plan.locator("[data-row=w3] [role=img]")).to_have_attribute("aria-label", "failed")
    await expect(plan.locator(".plan-count")).to_have_text("2/3")


async def test_a_plan_folds_and_stays_folded_while_it_changes(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    chunks = [{"type": "plan_update", "title": "Parts"}, row(1, "Primes", "in_progress")]
    _, ts = await start(page, bot, slack, task_display_mode="plan", chunks=chunks)
    head = thread(page).get_by_role("button", name="Parts")
    await head.click()
    await expect(thread(page).locator(".task")).to_have_count(0)
    await bot.chat_appendStream(channel=GENERAL, ts=ts, chunks=[row(1, "Primes", "complete")])
    await expect(head.locator(".plan-count")).to_have_text("1/1")
    await expect(head).to_have_attribute("aria-expanded", "false")
    await expect(head).to_be_focused()


async def test_a_long_output_is_cut_until_it_is_asked_for(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    chunks = [{"type": "plan_update", "title": "P"}, row(1, "Primes", "complete", output="word " * 50)]
    await start(page, bot, slack, task_display_mode="plan", chunks=chunks)
    await thread(page).get_by_role("button", name="Show more").click()
    await expect(thread(page).get_by_role("button", name="Show less")).to_be_focused()


async def test_text_streams_as_markdown_and_its_cursor_ends(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    _, ts = await start(page, bot, slack, markdown_text="The answer is **for")
    await expect(thread(page).last.locator(".caret")).to_be_visible()
    await bot.chat_appendStream(channel=GENERAL, ts=ts, markdown_text="ty-two**.\n\n```python\nprint(42)")
    await expect(thread(page).last.locator("strong", has_text="forty-two")).to_be_visible()
    await expect(thread(page).last.locator("pre")).to_have_text("print(42)")
    await bot.chat_stopStream(channel=GENERAL, ts=ts, markdown_text="\n```\n")
    await expect(thread(page).last.locator(".caret")).to_have_count(0)


async def test_stop_ends_the_stream_and_shows_the_bot(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    stopped: list[dict[str, Any]] = []
    app: AsyncApp = new_app(slack)

    @app.event("agent_session_stopped")
    async def on_stop(event: dict[str, Any], client: AsyncWebClient) -> None:
        stopped.append(event)
        await client.api_call(
            "agents.sessions.setStatus",
            json={
                "channel_id": event["channel"],
                "thread_ts": event["thread_ts"],
                "status": "active",
            },
        )

    async with connected(slack, app):
        task, ts = await start(page, bot, slack, markdown_text="Counting")
        await bot.api_call(
            "agents.sessions.setStatus",
            json={
                "channel_id": GENERAL,
                "thread_ts": task,
                "status": "processing",
                "title": "Counting",
                "initiator_user_id": ADA,
            },
        )
        await expect(page.locator(".session")).to_contain_text("Counting")
        await expect(channel(page).locator(".reply-working")).to_be_visible()
        await page.get_by_role("button", name="Stop", exact=True).click()
        await expect(page.locator(".session")).to_have_count(0)
    assert [(event["thread_ts"], event["streaming_message_ts"]) for event in stopped] == [(task, [ts])]
    await expect(thread(page).last).to_contain_text("Stopped")


async def test_the_page_says_that_the_model_is_scripted(page: Page) -> None:
    await expect(page.get_by_text("demo model: scripted")).to_be_visible()


async def test_the_drawer_lists_the_bots_calls_and_their_refusals(
    page: Page, bot: AsyncWebClient, slack: SlackStandIn
) -> None:
    await page.get_by_role("button", name="Show the bot's calls").click()
    await bot.chat_postMessage(channel=GENERAL, text="hi")
    with pytest.raises(SlackApiError):
        await bot.chat_update(channel=GENERAL, ts="1.1", text="x")
    await expect(page.locator(".call code")).to_have_text(["chat.update", "chat.postMessage"])
    await expect(page.locator(".call.failed")).to_contain_text("message_not_found")
