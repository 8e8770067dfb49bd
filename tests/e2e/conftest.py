"""A fresh Slack for each test. The bot on it comes from `tests.support.stack`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from playground.demo_model import DemoModel
from playground.slack import SlackStandIn


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn() as stand_in:
        yield stand_in


@pytest_asyncio.fixture
async def demo() -> AsyncIterator[DemoModel]:
    async with DemoModel(latency=0.02, chunk_delay=0) as model:
        yield model
