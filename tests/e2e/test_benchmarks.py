"""Each benchmark runs, in its small form; `make bench` is for the figures. Needs Docker and the image.

`make test` runs two, `make soak` all of them.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT

import pytest

from benchmarks.__main__ import BENCHMARKS
from scripts.steps import ROOT

#: These install other projects' packages; `make soak` runs them in full.
PEERS = {"sandbox_peers", "frameworks"}
OWN = [name for name in BENCHMARKS if name not in PEERS]
#: They run with every change: README names the first, and the second puts the agents together by itself.
ALWAYS = {"mention", "agents"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in ALWAYS else pytest.mark.soak) for name in OWN]
)
async def test_a_benchmark_runs(name: str) -> None:
    code, said = await run("benchmarks", "--small", name)
    assert code == 0, said
    assert said.startswith(f"\n## {name}\n")
    assert len(said.splitlines()) > 4, said


@pytest.mark.soak
async def test_the_leaks_of_the_sandbox_are_counted() -> None:
    code, said = await run("benchmarks.sandbox_leaks", "10")
    assert code == 0, said
    assert said.startswith("| calls | seconds |")


async def test_a_benchmark_that_does_not_exist_is_named() -> None:
    code, said = await run("benchmarks", "dance")
    assert (code, "There is no benchmark dance. There are: mention" in said) == (2, True)


async def run(module: str, *words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *words, cwd=ROOT, stdout=PIPE, stderr=STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()
