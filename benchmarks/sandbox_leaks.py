"""Leaks after many calls through one sandbox: containers, descriptors, memory, disk.

`python -m benchmarks.sandbox_leaks [CALLS]`; a busy day has 20,000. Needs Docker and the image.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from sandbox.engine import DockerEngine
from sandbox.image.build import ensure_image
from sandbox.job import Job, Status
from sandbox.owner import Owner
from sandbox.sandbox import Sandbox

_CALLERS = 4
_ROUNDS = 10
_REMOVAL_SECONDS = 10  # for the engine to remove exited containers
_PROGRAMS = (
    (Job(code="print('hello')"), Status.OK),
    (Job(code="1 / 0"), Status.ERROR),
    (Job(code="open('out', 'wb').write(bytes(100_000))", files={"in": bytes(10_000)}), Status.OK),
    (Job(code="import os; os.abort()"), Status.SIGNAL),
    (Job(code="while True: pass", timeout=0.05), Status.TIMEOUT),
    (Job(code="import json, re\nprint(json.dumps({'a': [1, 2]}))"), Status.OK),
)


async def main(calls: int = 600) -> None:
    """Prints a line after each tenth of the calls. A wrong status ends the run."""
    async with DockerEngine() as engine:
        image = await ensure_image(engine)
    print("| calls | seconds | containers of ours | descriptors | RSS MB | temporary files | disk MB |")
    print("|---|---|---|---|---|---|---|")
    async with Sandbox(image=image) as sandbox:
        began = time.monotonic()
        for number in range(_ROUNDS + 1):
            print(await _line(sandbox, number * calls // _ROUNDS, time.monotonic() - began), flush=True)
            if number < _ROUNDS:
                await _some(sandbox, calls // _ROUNDS)
    left = await _containers(sandbox.owner)
    await asyncio.sleep(_REMOVAL_SECONDS if left else 0)
    still = await _containers(sandbox.owner)
    print(
        f"\nAfter leaving: {left} containers that the engine is removing, {still} once it had the time;",
        end=" ",
    )
    print(f"{_temporary()} temporary files.")


async def _some(sandbox: Sandbox, calls: int) -> None:
    places = asyncio.Semaphore(_CALLERS)

    async def one(number: int) -> None:
        job, expected = _PROGRAMS[number % len(_PROGRAMS)]
        async with places:
            run = await sandbox.run(job)
        if run.status is not expected:
            raise SystemExit(f"{job.code!r} ended as {run.status}, not {expected}: {run.sentence}")

    async with asyncio.TaskGroup() as group:
        for number in range(calls):
            group.create_task(one(number))


async def _line(sandbox: Sandbox, calls: int, seconds: float) -> str:
    await asyncio.sleep(2)
    gc.collect()
    descriptors, resident = _own_use()
    disk = shutil.disk_usage("/var/lib").used / 1e6
    cells = (
        calls,
        f"{seconds:.0f}",
        await _containers(sandbox.owner),
        descriptors,
        f"{resident:.1f}",
        _temporary(),
    )
    return "| " + " | ".join(map(str, cells)) + f" | {disk:.0f} |"


def _own_use() -> tuple[int, float]:
    """File descriptors and resident MB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return sum(1 for _ in Path("/proc/self/fd").iterdir()), pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _containers(owner: Owner) -> int:
    async with DockerEngine() as engine:
        return sum(Owner.of(found).label == owner.label for found in await engine.listed())


def _temporary() -> int:
    return sum(1 for _ in Path(tempfile.gettempdir()).glob(f"handoff-sockets-*-{os.getpid()}-*/*"))


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
