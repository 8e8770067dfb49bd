"""One Chromium and one page for all tests, and a new playground for each."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from slack_sdk.web.async_client import AsyncWebClient

from bot.checks.preflight import port_in_use
from playground.slack import SlackStandIn
from playground.slack.page_json import Model
from tests.support.bolt import new_client
from tests.support.browser import KeptPage, keep_page, open_chromium


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Chromium lives on the session's event loop, so the tests that use it run there too."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with open_chromium() as chromium:
        yield chromium


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kept_page(browser: Browser) -> AsyncIterator[KeptPage]:
    async with keep_page(browser) as kept:
        yield kept


@pytest.fixture(scope="session")
def port() -> int:
    """A port below those that the system gives to connections: it stays free between two tests."""
    first = 10_000 + os.getpid() % 20_000
    return next(port for port in range(first, first + 1_000) if not port_in_use("127.0.0.1", port))


@pytest_asyncio.fixture(loop_scope="session")
async def slack(port: int) -> AsyncIterator[SlackStandIn]:
    model = Model("demo", scripted=True)
    async with SlackStandIn(port=port, rate_limits=False, model=model) as stand_in:
        yield stand_in


@pytest_asyncio.fixture(loop_scope="session")
async def page(kept_page: KeptPage, slack: SlackStandIn) -> AsyncIterator[Page]:
    """The page as Ada sees it, in #general."""
    async with kept_page.visit(slack.url) as tab:
        await tab.get_by_role("heading", name="general", level=2).first.wait_for()
        yield tab


@pytest.fixture
def bot(slack: SlackStandIn) -> AsyncWebClient:
    """The bot's real client."""
    return new_client(slack)
