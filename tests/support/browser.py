"""Chromium for tests, and pages in it that report what went wrong inside them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

from scripts.browser import NAMES

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_LOST_LINE = "ERR_CONNECTION_REFUSED"
"""What Chromium logs while a page waits for its server, where a test takes it away."""


@asynccontextmanager
async def open_chromium() -> AsyncIterator[Browser]:
    """The system's Chromium. Fails the test, and does not skip it, where there is none."""
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        pytest.fail(
            "There is no Chromium. `make test` installs it; by hand: apt-get install chromium", pytrace=False
        )
    expect.set_options(timeout=30_000)  # the standard 5 seconds are too few on a busy machine
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        await browser.close()


@asynccontextmanager
async def open_page(
    browser: Browser, url: str, *, allowed: tuple[str, ...] = (), **options: Any
) -> AsyncIterator[Page]:
    """A page in a context of its own. At its end an error in it or a request elsewhere fails the test.

    `allowed`: parts of console errors that the test itself provokes. `options` go to `new_context`.
    """
    context = await browser.new_context(
        **{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options}
    )
    context.set_default_timeout(30_000)
    page = await context.new_page()
    troubles = _Troubles(url, (*allowed, _LOST_LINE))
    page.on("console", troubles.hear)
    page.on("pageerror", lambda error: troubles.found.append(f"error in the page: {error}"))
    page.on("request", troubles.watch)
    await page.goto(url)
    yield page
    await context.close()
    assert not troubles.found, "\n".join(troubles.found)


class _Troubles:
    def __init__(self, url: str, allowed: tuple[str, ...]) -> None:
        self.found: list[str] = []
        self._allowed = allowed
        self._host = urlsplit(url).netloc

    def hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(part in message.text for part in self._allowed):
            self.found.append(f"the page's console: {message.text}")

    def watch(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self._host:
            self.found.append(f"the page asked for {request.url}")
