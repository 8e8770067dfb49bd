"""The time from start to the page's URL, and from a mention to its first sign and its answer.

`handoff play` runs as a process of its own. In the second part the demo model has no artificial latency, so
the result is Handoff's own time.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from pathlib import Path

from benchmarks.table import print_milliseconds
from bot.observability.logging import configure_logging
from playground.demo_model import DemoModel
from playground.slack import SlackStandIn
from sandbox.limits import PoolLimits
from tests.support.stack import GENERAL, Stack, stack

STARTS, MENTIONS = 5, 30
#: Smaller sizes for a quick run: `python -m benchmarks --small`.
SMALL = {"STARTS": 1, "MENTIONS": 1}
#: The most seconds until an answer, with both cores busy.
_LONGEST = 120


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = [await _start(Path(folder) / str(number)) for number in range(STARTS)]
        again = [await _start(Path(folder) / "0") for _ in range(STARTS)]
        floor = [await _bare_python() for _ in range(STARTS * 2)]
        print_milliseconds(
            [("python -c pass", floor), ("play, empty data folder", first), ("play, second start", again)],
            floor="python -c pass",
        )
        print()
        async with (
            SlackStandIn(rate_limits=False) as slack,
            DemoModel(latency=0, chunk_delay=0) as demo,
            stack(slack, demo.base_url, Path(folder) / "mention", sandbox_pool=PoolLimits.ready) as bot,
        ):
            configure_logging(bot.settings.model_copy(update={"log_level": "error"}))
            print_milliseconds(await _mentions(bot))


async def _mentions(bot: Stack) -> Sequence[tuple[str, list[float]]]:
    signs, answers = [], []
    for number in range(MENTIONS + 1):
        began = time.perf_counter()
        ts = await bot.ask("@Handoff Execute hello world in Python")
        state = bot.slack
        await state.wait_for(lambda s, ts=ts: (m := s.message(GENERAL, ts)) and m.reactions)  # type: ignore[misc]
        sign = time.perf_counter() - began
        await state.wait_for(lambda _, ts=ts: "Hello, World!" in bot.said(ts), _LONGEST)  # type: ignore[misc]
        if number:  # warm-up
            signs.append(sign)
            answers.append(time.perf_counter() - began)
    return [("mention to 👀", signs), ("mention to answer", answers)]


async def _start(folder: Path) -> float:
    """Seconds from the start of `handoff play` to the line with the page's URL."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HANDOFF_", "OPENAI_"))}
    environment |= {"HANDOFF_DATA_DIR": str(folder), "HANDOFF_PORT": "0"}
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", "play", env=environment, stdout=DEVNULL, stderr=PIPE
    )
    assert process.stderr is not None
    async for line in process.stderr:
        if b"Open http" in line:
            break
    took = time.perf_counter() - began
    process.terminate()
    await process.communicate()
    return took


async def _bare_python() -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "pass")
    await process.wait()
    return time.perf_counter() - began
