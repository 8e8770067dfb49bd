"""The people and places of the playground's world, and where the page shows what."""

from __future__ import annotations

from playwright.async_api import Locator, Page
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn

ADA = "U0ADA0001"
MEI = "U0MEI0002"
GENERAL = "C0GENERAL"
DATA = "C0DATA001"
ADAS_DM = "D0ADA0001"


def channel(page: Page) -> Locator:
    """The messages of the open channel."""
    return page.locator(".main article")


def thread(page: Page) -> Locator:
    """The messages of the open thread, its first one included."""
    return page.locator(".thread article")


def box(page: Page) -> Locator:
    return page.locator(".main .composer textarea")


def thread_box(page: Page) -> Locator:
    return page.locator(".thread .composer textarea")


async def write(page: Page, text: str) -> None:
    """Type into the channel's composer and send."""
    await box(page).fill(text)
    await box(page).press("Enter")


async def show_plan(slack: SlackStandIn, bot: AsyncWebClient, thread_ts: str) -> None:
    """Show a plan below a message, with a row of each status."""
    rows = [
        {"type": "task_update", "id": status, "title": status, "status": status, "details": "as it is"}
        for status in ("pending", "in_progress", "complete", "error")
    ]
    await bot.chat_startStream(
        channel=GENERAL,
        thread_ts=thread_ts,
        recipient_team_id=slack.team_id,
        recipient_user_id=ADA,
        task_display_mode="plan",
        chunks=[{"type": "plan_update", "title": "Parts"}, *rows],
    )
