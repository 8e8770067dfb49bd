"""A fresh Slack for each test, and a bot on it; others come from `tests.support.stack`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.timing import BotTiming
from playground.demo_model import DemoModel
from playground.slack import SlackStandIn
from tests.support.bolt import new_app, new_client
from tests.support.patient_model import Patient
from tests.support.scripted_model import ScriptedModel
from tests.support.stack import Stack, stack
from tests.support.timing import BOT_TIMING


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    """Slack, with more patience than its 3 seconds for a bot on a machine that does much else."""
    async with SlackStandIn(ack_deadline=30) as stand_in:
        yield stand_in


@pytest.fixture
def client(slack: SlackStandIn) -> AsyncWebClient:
    """The app's real client, for tests of the stand-in itself."""
    return new_client(slack)


@pytest.fixture
def app(slack: SlackStandIn) -> AsyncApp:
    """A bare Bolt app, for tests of the stand-in itself."""
    return new_app(slack)


@pytest_asyncio.fixture
async def demo() -> AsyncIterator[DemoModel]:
    async with DemoModel(latency=0.02, chunk_delay=0) as model:
        yield model


@pytest_asyncio.fixture
async def patient() -> Patient:
    return Patient()


@pytest_asyncio.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    """One that answers at once, for tests that set up the bot themselves."""
    patient = Patient()
    patient.go.set()
    async with ScriptedModel(patient) as running:
        yield running


@pytest.fixture
def timing() -> BotTiming:
    """That of `bot`; a test that needs another one is parametrized with it."""
    return BOT_TIMING


@pytest_asyncio.fixture
async def bot(
    slack: SlackStandIn, patient: Patient, tmp_path: Path, timing: BotTiming
) -> AsyncIterator[Stack]:
    """A bot whose model answers when the test lets it; it has no containers ready."""
    async with (
        ScriptedModel(patient) as model,
        stack(slack, model.base_url, tmp_path, sandbox_pool=0, timing=timing) as running,
    ):
        yield running
        patient.go.set()
