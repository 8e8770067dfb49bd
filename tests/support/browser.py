"""Chromium for tests, and pages in it that report what went wrong inside them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    ViewportSize,
    async_playwright,
    expect,
)

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
VIEWPORT: ViewportSize = {"width": 1280, "height": 800}
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
    async with _new_page(browser, **options) as page:
        with _checked(page, url, *allowed):
            await page.goto(url)
            yield page


class KeptPage:
    """A page that many tests use one after the other, since loading it costs Chromium a second of CPU.

    The tests' servers listen on the same port. Each test gets the page as it opens: without anything on it,
    stored or typed, at the start of its address.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._start_over = (Path(__file__).parent / "start_over.js").read_text(encoding="utf-8")

    @asynccontextmanager
    async def visit(self, url: str) -> AsyncIterator[Page]:
        """The page on the server at `url`, checked at the end like a page of `open_page`."""
        page = self._page
        with _checked(page, url):
            if page.viewport_size != VIEWPORT:
                await page.set_viewport_size(VIEWPORT)
            await page.emulate_media(color_scheme="light", reduced_motion="reduce")
            await page.mouse.move(0, 0)
            if page.url.startswith(url):
                await page.evaluate(self._start_over)
            else:
                await page.goto(url)
            yield page


@asynccontextmanager
async def keep_page(browser: Browser) -> AsyncIterator[KeptPage]:
    async with _new_page(browser) as page:
        yield KeptPage(page)


@asynccontextmanager
async def _new_page(browser: Browser, **options: Any) -> AsyncIterator[Page]:
    """A page of a new context, which stands still: animations cost CPU, and no test waits for their end."""
    defaults: dict[str, Any] = {"viewport": VIEWPORT, "locale": "en-GB", "reduced_motion": "reduce"}
    context = await browser.new_context(**{**defaults, **options})
    context.set_default_timeout(30_000)
    yield await context.new_page()
    await context.close()


@contextmanager
def _checked(page: Page, url: str, *allowed: str) -> Iterator[None]:
    troubles = _Troubles(url, (*allowed, _LOST_LINE))
    listeners: dict[Any, Any] = {
        "console": troubles.hear, "pageerror": troubles.fail, "request": troubles.watch
    }  # fmt: skip
    for event, listener in listeners.items():
        page.on(event, listener)
    yield
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    assert not troubles.found, "\n".join(troubles.found)


class _Troubles:
    def __init__(self, url: str, allowed: tuple[str, ...]) -> None:
        self.found: list[str] = []
        self._allowed = allowed
        self._host = urlsplit(url).netloc

    def hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(part in message.text for part in self._allowed):
            self.found.append(f"the page's console: {message.text}")

    def fail(self, error: Error) -> None:
        self.found.append(f"error in the page: {error}")

    def watch(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self._host:
            self.found.append(f"the page asked for {request.url}")
