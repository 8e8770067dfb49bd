"""A fresh container for every call, against `python -c pass` on the host and the engine's own speed.

Calls and floors alternate, so that other load affects both. Needs Docker and the image.
"""

from __future__ import annotations

import asyncio
import functools
import os
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.sandbox_egress import print_egress
from benchmarks.table import p99
from sandbox.container import Container
from sandbox.engine import DockerEngine
from sandbox.image.build import ensure_image
from sandbox.job import Job, Run, Status
from sandbox.limits import SandboxLimits
from sandbox.owner import Owner
from sandbox.pool import BARE, DATA
from sandbox.sandbox import Sandbox
from sandbox.spec import container_settings
from sandbox.transport import AttachTransport
from sandbox.workspace import Workspace

PAIRS, FIRSTS, ROUNDS, SUSTAINED, AT_ONCE, IDLE = 60, 10, 5, 48, 8, 3
REQUESTS, DOWNLOAD_BYTES = 200, 100_000_000
#: Smaller sizes for a quick run: `python -m benchmarks --small`.
SMALL = {
    "PAIRS": 1, "FIRSTS": 1, "ROUNDS": 1, "SUSTAINED": 2, "AT_ONCE": 2, "IDLE": 1, "FILES_MB": (0, 10),
    "REFILL_SECONDS": 0.2, "REQUESTS": 2, "DOWNLOAD_BYTES": 1_000_000,
}  # fmt: skip
PRINT = "print('hello')"
PANDAS = "import pandas as pd\nprint(pd.DataFrame({'a': [1, 2, 3]}).groupby('a').size().sum())"
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.show()"
FILES_MB = (0, 10, 100)
READ = """
import glob, time
for _ in range(2):
    began = time.perf_counter()
    for name in glob.glob("*.bin"):
        open(name, "rb").read()
    print(time.perf_counter() - began)
"""
REFILL_SECONDS = 1.0  # while the model thinks, the next container gets ready


async def main() -> None:
    """Prints the tables. A failed call ends the benchmark."""
    async with DockerEngine() as engine:
        image = await ensure_image(engine, report=lambda progress: print(progress, file=sys.stderr))
        async with Sandbox(image=image, ready=2) as sandbox:
            rows = await _latencies(sandbox, engine, image)
        _print_latencies(rows)
        print()
        await _print_files(image)
        print()
        await _print_rates(engine, image)
        print()
        await _print_memory(engine, image)
        print()
        await print_egress(image, requests=REQUESTS, large=DOWNLOAD_BYTES)


async def _latencies(sandbox: Sandbox, engine: DockerEngine, image: str) -> dict[str, list[float]]:
    rows: dict[str, list[float]] = {"python -c pass on the host": [], "print, container ready": []}
    await asyncio.sleep(REFILL_SECONDS * 3)
    for _ in range(PAIRS):
        rows["python -c pass on the host"].append(await _timed(_bare_python))
        rows["print, container ready"].append(await _timed(lambda: _run(sandbox, PRINT)))
        await asyncio.sleep(REFILL_SECONDS)
    rows["docker exec in one kept container"] = await _execs(engine, image)
    for name, code in (("first pandas, container ready", PANDAS), ("first plot, container ready", PLOT)):
        rows[name] = []
        for _ in range(FIRSTS):
            await asyncio.sleep(REFILL_SECONDS * 3)
            rows[name].append(await _timed(functools.partial(_run, sandbox, code)))
    async with Sandbox(image=image, ready=0) as cold:
        rows["print, nothing ready"] = [await _timed(lambda: _run(cold, PRINT)) for _ in range(FIRSTS)]
    return rows


async def _print_files(image: str) -> None:
    """The cost of a thread's files for a call that reads none of them, and for one that reads all twice.

    The first read loads them into the container; the second is the cost of reading alone.
    """
    print("| files | n | print p50 ms | first reading p50 ms | second p50 ms | bot's memory MB |")
    print("|---|---|---|---|---|---|")
    for megabytes in FILES_MB:
        columns = await _file_times(image, megabytes)
        figures = " | ".join(f"{median(column) * 1000:.1f}" for column in columns)
        print(f"| {megabytes} MB | {FIRSTS} | {figures} | {_memory_mb():.0f} |")


async def _file_times(image: str, megabytes: int) -> tuple[list[float], list[float], list[float]]:
    plain, first, second = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        for number in range(megabytes // 10):
            await workspace.add(f"{number}.bin", os.urandom(10_000_000))
        async with Sandbox(image=image, ready=2) as sandbox:
            for _ in range(FIRSTS):
                await asyncio.sleep(REFILL_SECONDS * 3)
                plain.append(await _timed(lambda: _run(sandbox, PRINT, workspace)))
                seconds = (await _run(sandbox, READ, workspace)).stdout.split()
                first.append(float(seconds[0]))
                second.append(float(seconds[1]))
    return plain, first, second


def _memory_mb() -> float:
    """The peak resident set of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _print_rates(engine: DockerEngine, image: str) -> None:
    floors, rates = [], []
    async with Sandbox(image=image, ready=2) as sandbox:
        await _at_once(sandbox, SUSTAINED)
        for _ in range(ROUNDS):
            floors.append(await _engine_rate(engine, image))
            rates.append(await _sustained_rate(sandbox))
            await asyncio.sleep(REFILL_SECONDS * 3)
    async with Sandbox(image=image, ready=AT_ONCE, most=AT_ONCE * 2) as sandbox:
        await asyncio.sleep(AT_ONCE)
        burst = await _at_once(sandbox, AT_ONCE)
    print(f"| fresh containers, {AT_ONCE} callers | per second | × engine |\n|---|---|---|")
    print(f"| the engine alone: create, start, remove | {median(floors):.1f} | 1.00 |")
    ratios = [rate / floor for rate, floor in zip(rates, floors, strict=True)]
    print(f"| calls, one container each | {median(rates):.1f} | {median(ratios):.2f} |")
    print(f"\nThe {ROUNDS} pairs: {', '.join(f'{ratio:.2f}' for ratio in sorted(ratios))}")
    print(f"\n{AT_ONCE} at once, all ready: slowest {max(burst) * 1000:.0f} ms")


async def _sustained_rate(sandbox: Sandbox) -> float:
    """Calls per second with as many callers, after the ready containers are used up."""
    ends: list[float] = []
    places = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with places:
            await _run(sandbox, PRINT)
            ends.append(time.perf_counter())

    await asyncio.gather(*(one() for _ in range(AT_ONCE + SUSTAINED)))
    return SUSTAINED / (ends[-1] - ends[AT_ONCE - 1])


async def _at_once(sandbox: Sandbox, count: int) -> list[float]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one() -> float:
        async with places:
            return await _timed(lambda: _run(sandbox, PRINT))

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def _engine_rate(engine: DockerEngine, image: str) -> float:
    """Containers per second that only start and exit, created like ours, with as many callers."""
    settings: dict[str, Any] = container_settings(
        SandboxLimits(), image=image, flavour=BARE, labels=Owner.this_process().labels(BARE)
    )
    settings |= {"Entrypoint": ["sleep", "60"], "Cmd": []}
    places = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with places:
            identity = await engine.create(settings)
            await engine.start(identity)
            await engine.remove(identity)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(SUSTAINED)))
    return SUSTAINED / (time.perf_counter() - began)


async def _print_memory(engine: DockerEngine, image: str) -> None:
    """The cost of one more idle container, without page cache.

    The kernel charges page cache to the first reader of a file. The figures are medians over containers, from
    the kernel's memory controller.
    """
    print("| idle container | n | counted MB | page cache MB | one more costs MB |\n|---|---|---|---|---|")
    for flavour in (BARE, DATA):
        figures = [await _memory(engine, image, flavour) for _ in range(IDLE)]
        counted, cache, own = (median(column) / 1e6 for column in zip(*figures, strict=True))
        print(f"| {flavour} | {IDLE} | {counted:.1f} | {cache:.1f} | {own:.1f} |")


async def _memory(engine: DockerEngine, image: str, flavour: str) -> tuple[int, int, int]:
    """Bytes in total, bytes of page cache, and the rest: anonymous and kernel memory."""
    owner = Owner.this_process()
    settings = container_settings(SandboxLimits(), image=image, flavour=flavour, labels=owner.labels(flavour))
    container = await Container.start(engine, AttachTransport(engine, owner), settings, flavour)
    try:
        stats = await engine.call(lambda: engine.client.stats(container.identity, stream=False))
    finally:
        await container.end()
    memory = stats["memory_stats"]
    cache = memory["stats"]["cache"] if "cache" in memory["stats"] else memory["stats"]["file"]
    return memory["usage"], cache, memory["usage"] - cache


async def _execs(engine: DockerEngine, image: str) -> list[float]:
    """Times `docker exec`, which sandboxes that keep one container use for each call."""
    settings: dict[str, Any] = container_settings(
        SandboxLimits(), image=image, flavour=BARE, labels=Owner.this_process().labels(BARE)
    )
    identity = await engine.create(settings | {"Entrypoint": ["sleep", "600"], "Cmd": []})
    await engine.start(identity)

    def execute() -> None:
        made = engine.client.exec_create(identity, ["python3", "-c", PRINT])
        assert engine.client.exec_start(made["Id"]) == b"hello\n"

    try:
        return [await _timed(lambda: engine.call(execute)) for _ in range(FIRSTS * 2)]
    finally:
        await engine.remove(identity)


async def _run(sandbox: Sandbox, code: str, workspace: Workspace | None = None) -> Run:
    files = (await workspace.snapshot()).files if workspace else {}
    run = await sandbox.run(Job(code=code, files=files))
    if run.status is not Status.OK:
        raise SystemExit(f"A call failed: {run.sentence} {run.stderr}")
    return run


async def _bare_python() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "pass")
    await process.wait()


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


def _print_latencies(rows: dict[str, list[float]]) -> None:
    floor = next(iter(rows.values()))
    print("| call | n | p50 ms | p99 ms | p50 × floor | p99 × floor |\n|---|---|---|---|---|---|")
    for name, values in rows.items():
        half, most = median(values), p99(values)
        ratios = f"{half / median(floor):.2f} | {most / p99(floor):.2f}"
        print(f"| {name} | {len(values)} | {half * 1000:.1f} | {most * 1000:.1f} | {ratios} |")


if __name__ == "__main__":
    asyncio.run(main())
