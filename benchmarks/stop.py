"""The time from a person's `stop` to its confirmation in the thread, and to the end of all work.

A task has eight workers, each with a running program in its container, or each with an endless model stream.
Slack, the bot, the model and Docker are real and use sockets, as in the tests. The bot keeps no containers
ready, so the remaining ones are the task's. Needs Docker and the image.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bot.observability.logging import configure_logging
from playground.slack import SlackStandIn
from sandbox.engine import DockerEngine
from sandbox.owner import Owner
from tests.support.model_replies import Asked, Endless, Reply
from tests.support.scripted_model import Call, ScriptedModel, Turn
from tests.support.stack import Stack, stack

STOPS, WORKERS = 10, 8
#: Seconds until the programs and streams of all workers run: a container exists before its program runs, and
#: a request before its stream.
SETTLE = 2.0
#: Smaller sizes for a quick run: `python -m benchmarks --small`.
SMALL = {"STOPS": 1, "WORKERS": 2, "SETTLE": 0.2}
#: Seconds between two polls.
LOOK = 0.01
#: The most seconds until all workers run, with both cores busy.
BEGIN = 120
_BEGUN = "begun"
_LINGER = f"import time\nprint('{_BEGUN}', flush=True)\ntime.sleep(100)"


async def main() -> None:
    async with DockerEngine() as engine:
        rows = await _measure(Call("execute_python_code", {"code": _LINGER}), engine)
        _print("8 programs", "the last container gone", rows)
        rows = await _measure(Endless(delay=0.05), engine)
        _print("8 streams", "the last stream closed", rows)


async def _measure(work: Reply, engine: DockerEngine) -> Sequence[tuple[float, float]]:
    """For each stop, the seconds to the thread's message and to the end of the last worker's work."""

    async def reply(asked: Asked) -> Reply:
        if asked.is_worker:
            return work
        briefs = [{"task_description": f"Part {n}", "title": f"Part {n}"} for n in range(WORKERS)]
        return Turn(calls=tuple(Call("create_worker", brief) for brief in briefs))

    with tempfile.TemporaryDirectory() as folder:
        async with (
            SlackStandIn(rate_limits=False) as slack,
            ScriptedModel(reply) as model,
            stack(slack, model.base_url, Path(folder), sandbox_pool=0) as bot,
        ):
            configure_logging(bot.settings.model_copy(update={"log_level": "error"}))

            async def at_work() -> int:
                if isinstance(work, Endless):
                    return sum(asked.is_worker for asked in model.requests) - model.hung_up
                return sum(Owner.of(found) == bot.server.sandbox.owner for found in await engine.listed())

            return [await _stop(bot, at_work) for _ in range(STOPS)]


async def _stop(bot: Stack, at_work: Callable[[], Coroutine[Any, Any, int]]) -> tuple[float, float]:
    ts = await bot.ask("@Handoff do all eight")
    async with asyncio.timeout(BEGIN):
        while await at_work() < WORKERS:  # noqa: ASYNC110 (there is no event)
            await asyncio.sleep(LOOK)
    await asyncio.sleep(SETTLE)
    began = time.perf_counter()
    await bot.ask("stop", thread_ts=ts)

    async def confirmed() -> float:
        await bot.slack.wait_for(lambda _: "**Stopped by " in bot.said(ts))
        return time.perf_counter() - began

    async def ended() -> float:
        while await at_work():  # noqa: ASYNC110 (Docker has no event for it)
            await asyncio.sleep(LOOK)
        return time.perf_counter() - began

    said, gone = await asyncio.gather(confirmed(), ended())
    return said, gone


def _print(what: str, end: str, stops: Sequence[tuple[float, float]]) -> None:
    print(f"| a stop of {what} | n | median ms | max ms |\n|---|---|---|---|")
    for name, values in zip(("the thread says so", end), zip(*stops, strict=True), strict=True):
        print(f"| {name} | {len(values)} | {median(values) * 1000:.0f} | {max(values) * 1000:.0f} |")
    print(flush=True)
