"""Times calls of one sandbox in this process and prints the seconds as JSON.

`script IMAGE PYTHON`: the floor, `PYTHON -c pass`, alternates with the calls, so that other load affects
both. Every answer is checked, also that of parallel calls.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

IMAGE, PYTHON = sys.argv[1:3]
PAIRS, ROUNDS, AT_ONCE = 50, 4, 8
PAUSE = 0.25  # a model's thinking time is longer
ROUND_PAUSE = 3.0

Call = Callable[[str], Awaitable[str]]
Opened = Callable[[str], AbstractAsyncContextManager[Call]]


def measure(opened: Opened, opened_for_many: Opened | None = None) -> None:
    """`opened` creates a sandbox from an image; it runs code and returns its output."""
    asyncio.run(_measure(opened, opened_for_many or opened))


async def _measure(opened: Opened, opened_for_many: Opened) -> None:
    began = time.perf_counter()
    async with opened(IMAGE) as call:
        await _timed(call, 0)
        first = time.perf_counter() - began
        warm, floor = [], []
        for number in range(PAIRS):
            await asyncio.sleep(PAUSE)
            floor.append(await _floor())
            warm.append(await _timed(call, number))
    many: list[float] = []
    problem = ""
    async with opened_for_many(IMAGE) as call:
        await _timed(call, 0)
        try:
            for number in range(ROUNDS):
                await asyncio.sleep(ROUND_PAUSE)
                many += await asyncio.gather(*(_timed(call, number * AT_ONCE + n) for n in range(AT_ONCE)))
        except Exception as error:  # noqa: BLE001 whatever a peer raises is its row
            problem = f"{type(error).__name__}: {error}"
    print(json.dumps({"first": first, "warm": warm, "floor": floor, "many": many, "problem": problem}))


async def _timed(call: Call, number: int) -> float:
    began = time.perf_counter()
    said = await call(f"print('hello', {number})")
    took = time.perf_counter() - began
    if said.strip() != f"hello {number}":
        raise RuntimeError(f"asked for hello {number}, got {said[:100]!r}")
    return took


async def _floor() -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(PYTHON, "-c", "pass")
    await process.wait()
    return time.perf_counter() - began
