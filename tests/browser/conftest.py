"""One Chromium for all tests of the page, a fresh playground and a fresh tab for each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn
from playground.slack.page_json import Model
from tests.support.bolt import new_client
from tests.support.browser import open_chromium, open_page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Chromium lives on the session's event loop, so the tests that use it run there too."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with open_chromium() as chromium:
        yield chromium


@pytest_asyncio.fixture(loop_scope="session")
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn(rate_limits=False, model=Model("demo", scripted=True)) as stand_in:
        yield stand_in


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, slack: SlackStandIn) -> AsyncIterator[Page]:
    """The page as Ada sees it, in #general."""
    async with open_page(browser, slack.url) as tab:
        await tab.get_by_role("heading", name="general", level=2).first.wait_for()
        yield tab


@pytest.fixture
def bot(slack: SlackStandIn) -> AsyncWebClient:
    """The bot's real client."""
    return new_client(slack)
