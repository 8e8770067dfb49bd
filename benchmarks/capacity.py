"""What one workspace, one bot and one database carry: `handoff serve` on PostgreSQL, with Slack's rates.

Each task has two workers of three turns without code. The Slack, the model and PostgreSQL share this machine
with the bots, so that two bots carry less than twice as many tasks where it has few cores.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median

from benchmarks.model_process import WORDS, model_process
from benchmarks.table import p95, print_milliseconds
from bot.observability.logging import configure_logging
from playground.slack import SlackStandIn
from tests.support.bot_processes import Process
from tests.support.postgres import Postgres, postgres
from tests.support.stack import stack
from tests.support.workload import CHANNEL, TURNS, USER, WORKERS, Workload, workload

#: Tasks in a minute, and for how many seconds.
RATE, SECONDS = 40, 120
#: Tasks at once for the throughput, and the seconds of an idle measurement.
BURST, IDLE = 60, 20
#: Workers of a task whose time is compared with the model's own, its milliseconds a reply, and tasks.
PARALLEL, LATENCY, TASKS = 8, 2000, 5
SMALL = {"RATE": 60, "SECONDS": 2, "BURST": 2, "IDLE": 1, "LATENCY": 100, "TASKS": 1}
#: Turns of the model in one task: two of the orchestrator, the others of its workers.
_TURNS = 2 + len(WORKERS) * TURNS
#: Seconds without one more answer.
_PATIENCE = 120.0


async def main() -> None:
    try:
        with postgres("log_statement=all") as server:
            print_milliseconds(await _paced(server))
            print()
            await _statements(server)
        with postgres() as server:
            await _throughput(server)
    except RuntimeError as missing:
        print(missing, file=sys.stderr)
    await _parallel()


async def _paced(server: Postgres) -> Sequence[tuple[str, list[float]]]:
    """Seconds to the first sign and to the answer of tasks that come at an even rate, an instant model."""
    signs, answers = [], []
    async with workload(latency=0.0, rate_limits=True) as load, bots(load, server, 1):

        async def one(number: int) -> None:
            began = time.perf_counter()
            ts = load.given[number] = await load.slack.post(USER, CHANNEL, f"@Handoff do job {number}")
            await _until(load, lambda: (m := load.slack.state.message(CHANNEL, ts)) and m.reactions)
            signs.append(time.perf_counter() - began)
            await _until(load, lambda: load.answers(number))
            answers.append(time.perf_counter() - began)

        async with asyncio.TaskGroup() as group:
            for number in range(RATE * SECONDS // 60):
                group.create_task(one(number))
                await asyncio.sleep(60 / RATE)
    name = f"{RATE} tasks a minute in one channel"
    return [(f"{name}: mention to 👀", signs), (f"{name}: mention to answer", answers)]


async def _statements(server: Postgres) -> None:
    async with workload(latency=0.2) as load, bots(load, server, 1):
        await asyncio.sleep(2)
        before = server.statements()
        await asyncio.sleep(IDLE)
        idle = (server.statements() - before) / IDLE
        before, began = server.statements(), time.monotonic()
        await _burst(load, BURST)
        work = server.statements() - before - idle * (time.monotonic() - began)
    print(f"| statements of an idle bot, a second | {idle:.1f} |\n|---|---|")
    print(f"| statements for a turn of the model | {work / (BURST * _TURNS):.1f} |\n")


async def _throughput(server: Postgres) -> None:
    """Tasks a minute of one and of two bots, and the seconds of CPU that a bot takes for one."""
    rates = []
    for count in (1, 2):
        async with workload(latency=0.0) as load, bots(load, server, count) as nodes:
            before = [node.cpu() for node in nodes]
            rates.append(BURST / await _burst(load, BURST) * 60)
            spent = sum(node.cpu() - was for node, was in zip(nodes, before, strict=True))
            name = f"{count} bot{'s' * (count > 1)}"
            print(f"{name}: {rates[-1]:.0f} tasks a minute, {spent / BURST:.2f} s of CPU each")
    print(f"two bots carry {rates[1] / rates[0]:.2f} × one\n")


async def _parallel() -> None:
    """The time of a task with workers at the same time, as a multiple of the model's own."""
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        async with (
            SlackStandIn(rate_limits=False) as slack,
            model_process() as url,
            stack(slack, url, Path(folder), model=f"p{PARALLEL}-t0-l{LATENCY}", model_api="chat") as bot,
        ):
            configure_logging(bot.settings.model_copy(update={"log_level": "error"}))
            for _ in range(TASKS):
                began = time.perf_counter()
                ts = await bot.ask("@Handoff eight parts")
                await slack.wait_for(lambda _, ts=ts: WORDS.strip() in bot.said(ts), _PATIENCE)  # type: ignore[misc]
                ratios.append((time.perf_counter() - began) / (3 * LATENCY / 1000))
    print(
        f"a task with {PARALLEL} workers: {median(ratios):.2f} × the model's own time, p95 {p95(ratios):.2f}"
    )


async def _burst(load: Workload, count: int) -> float:
    """Seconds until so many tasks that come at once are answered."""
    began = time.perf_counter()
    await load.give(count)
    await load.finish(_PATIENCE)
    assert not load.waiting(), "tasks without an answer"
    return time.perf_counter() - began


async def _until(load: Workload, is_so: Callable[[], object]) -> None:
    await load.slack.wait_for(lambda _: is_so(), _PATIENCE)


@asynccontextmanager
async def bots(load: Workload, server: Postgres, count: int) -> AsyncIterator[list[Process]]:
    """So many processes of `handoff serve` on a new database."""
    url = server.create()
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(Process(f"node {n}", load.settings(Path(folder), url)))
                for n in range(count)
            ]
