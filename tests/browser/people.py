"""The people and places of the playground's world, and where the page shows what."""

from __future__ import annotations

from playwright.async_api import Locator, Page

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
