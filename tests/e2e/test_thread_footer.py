"""What the line under an answer says a task took: the time it was worked on, and no wait. Needs Docker."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from playground.slack import SlackStandIn
from tasks.task import State
from tests.support.patient_model import Patient
from tests.support.scripted_model import Call, ScriptedModel
from tests.support.stack import Stack, stack

_ASK = Call("ask_user", {"question": "Which colour?"})
_PLAN = Call("plan", {"steps": [{"text": "look"}]})
#: Seconds of one wait, and of a thought that is slow: both show in a footer's tenths.
WAIT, THOUGHT = 1.0, 0.6


async def test_the_wait_for_an_answer_is_no_work(slack: SlackStandIn, tmp_path: Path) -> None:
    patient = Patient(_ASK)
    began = time.monotonic()
    async with ScriptedModel(patient) as model, stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
        ts = await bot.ask("@Handoff paint it")
        await _think(patient)
        await bot.task(ts, State.WAITING)
        await asyncio.sleep(WAIT)
        await bot.ask("red", thread_ts=ts)
        await bot.task(ts, State.ANSWERED)
        elapsed = time.monotonic() - began

        assert THOUGHT <= _worked(bot, ts) <= elapsed - WAIT


async def test_nor_is_the_time_in_which_no_bot_ran(slack: SlackStandIn, tmp_path: Path) -> None:
    patient = Patient(_PLAN, _ASK)
    began = time.monotonic()
    async with ScriptedModel(patient) as model:
        async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
            ts = await bot.ask("@Handoff paint it")
            await _think(patient)
            patient.go.clear()
            while len(patient.asked) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await asyncio.sleep(WAIT)
        patient.go.set()
        async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
            await bot.task(ts, State.WAITING)
        await asyncio.sleep(WAIT)
        async with stack(slack, model.base_url, tmp_path, sandbox_pool=0) as bot:
            await bot.ask("red", thread_ts=ts)
            task = await bot.task(ts, State.ANSWERED)
            elapsed = time.monotonic() - began

            assert THOUGHT <= _worked(bot, ts) <= elapsed - 2 * WAIT
            assert task.seconds == pytest.approx(_worked(bot, ts), abs=0.06), "Home and commands say the same"


async def _think(patient: Patient) -> None:
    """Have the model think for a while before it says the first thing."""
    await patient.was_asked()
    await asyncio.sleep(THOUGHT)
    patient.go.set()


def _worked(bot: Stack, ts: str) -> float:
    """The seconds that the footer of the answer says."""
    footer = str(bot.answers(ts)[-1].blocks)
    (seconds,) = re.findall(r"'([\d.]+) s'", footer)
    assert isinstance(seconds, str)
    return float(seconds)
