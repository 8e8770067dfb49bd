"""Measures the CPU time of one scenario in this process; prints milliseconds per model turn."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

BRIEF = "You are given a task. Get it done with your tools, then answer."
ROUNDS = 5


def measure(prepare: Callable[[str, str], Callable[[], Awaitable[str]]]) -> None:
    """Run as `script URL MODEL TURNS TIMES`. `prepare` builds the scenario from an endpoint and a model."""
    url, model, turns, times = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

    async def rounds() -> list[float]:
        scenario = prepare(url, model)
        assert "42" in await scenario()
        taken = []
        for _ in range(ROUNDS):
            before = time.process_time()
            for _ in range(times):
                assert "42" in await scenario()
            taken.append((time.process_time() - before) / times / turns)
        return taken

    print(statistics.median(asyncio.run(rounds())) * 1000)
