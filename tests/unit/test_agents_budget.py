"""A worker's clock: waiting for a sandbox does not count, and the task's own limit stays."""

from __future__ import annotations

import asyncio
import math

import pytest

from agents.budget import Budget, Meter

SHORT = Budget(turns=1, seconds=0.02, tokens=1)


async def test_what_waits_has_no_limit_and_then_all_the_time_that_it_had() -> None:
    meter = Meter(Budget(turns=1, seconds=60, tokens=1))
    async with meter.timeout() as limit:
        with meter.pause():
            assert limit.when() is None
            stopped, deadline = meter.seconds, meter.deadline
            await asyncio.sleep(0.01)
            assert (meter.seconds, deadline) == (stopped, math.inf)
        assert limit.when() == meter.deadline


async def test_time_after_the_pause_counts_again() -> None:
    meter = Meter(SHORT)

    async def work() -> None:
        async with meter.timeout():
            with meter.pause() as resume:
                resume()
                await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await work()
    assert "time limit" in meter.exceeded()


async def test_calls_that_wait_at_the_same_time_pause_once() -> None:
    meter = Meter(SHORT)
    with meter.pause() as resume:
        with meter.pause():
            await asyncio.sleep(0.01)
        stopped = meter.seconds
        await asyncio.sleep(0.01)
        assert meter.seconds == stopped
        resume()
        resume()
    assert meter.left <= SHORT.seconds


async def test_a_pause_does_not_outlast_the_task() -> None:
    task = Meter(Budget(turns=1, seconds=100, tokens=1))
    worker = task.child(Budget(turns=1, seconds=50, tokens=1))
    with worker.pause():
        assert worker.deadline == pytest.approx(task.deadline - 20, abs=1)


async def test_a_wait_that_meets_the_task_s_limit_is_cut() -> None:
    late = Meter(Budget(turns=1, seconds=0, tokens=1)).child(SHORT)

    async def wait() -> None:
        async with late.timeout():
            with late.pause():
                await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await wait()
