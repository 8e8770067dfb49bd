"""The CPU cost of an agent turn, against the same work written by hand with the `AsyncOpenAI` client.

Both use the same endpoint, which is a process of its own; the CPU time is this process's only. Rounds
alternate, so that other load affects both. No code runs: the tool answers at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from openai import AsyncOpenAI

from agents.budget import AgentLimits, Budget, Effort
from agents.charts import ChartTool
from agents.conversation import UserTurn
from agents.journal import EmptyInbox, MemoryJournal
from agents.model.endpoint import Endpoint
from agents.orchestrator import AgentDeps, Orchestrator
from agents.programs import Programs
from agents.prompts import prompt
from agents.tools import Tool
from agents.worker import Worker
from benchmarks.model_process import model_process
from sandbox import Job, Run
from sandbox.job import Status
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace

Scenario = Callable[[str], Awaitable[None]]
ROUNDS, SHORT, LONG, PEOPLE = 9, 40, 4, 1000
#: Smaller sizes for a quick run: `python -m benchmarks --small`.
SMALL = {"ROUNDS": 1, "SHORT": 1, "LONG": 1, "PEOPLE": 10}
#: Both sides offer exactly the same tools.
ORCHESTRATOR = (
    Orchestrator.create_worker, Orchestrator.ask_user, Orchestrator.plan, Orchestrator.read_file,
    Orchestrator.view_image,
)  # fmt: skip
WORKER = (Programs.execute_python_code, Worker.view_image, ChartTool.show_chart, Worker.report)


class WideLimits(AgentLimits):
    """40 tool turns exceed a normal worker's limit."""

    def worker(self, effort: Effort) -> Budget:
        return self.task


class InstantSandbox(Sandbox):
    """Answers every job at once, so that only the agents are measured."""

    @property
    def idle(self) -> int:
        return 1

    async def run(self, job: Job, **listeners: Any) -> Run:
        return Run(status=Status.OK, exit_code=0, stdout="42\n", stderr="", seconds=0.0)


class Handoff:
    """Orchestrator and workers as in a task, with an in-memory journal."""

    def __init__(self, endpoint: Endpoint, folder: Path) -> None:
        self._endpoint = endpoint
        self._folder = folder / "no file yet"
        self._sandbox = InstantSandbox()

    async def run(self, model: str) -> None:
        limits = WideLimits(task=Budget(100, 600, 10**9))
        deps = AgentDeps(
            endpoint=self._endpoint, sandbox=self._sandbox, model=model, worker_model=model, limits=limits
        )
        orchestrator = Orchestrator(
            deps, workspace=Workspace(self._folder), journal=MemoryJournal(), inbox=EmptyInbox(),
            emit=lambda _: None,
        )  # fmt: skip
        ending = await orchestrator.answer([UserTurn("Ann: do it")])
        assert "42" in ending.text, ending


class ByHand:
    """The shortest loop that does the same work with the client's typed calls.

    It has no limits, retries, journal or report.
    """

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client
        self._orchestrator = [_spelled(f) for f in ORCHESTRATOR]
        self._worker = [_spelled(f) for f in WORKER]

    async def run(self, model: str) -> None:
        said = await self._loop(model, "orchestrator", self._orchestrator, "do it", self._create_worker)
        assert "42" in said

    async def _loop(
        self, model: str, role: str, tools: Any, request: str, act: Callable[[str, Any], Awaitable[str]]
    ) -> str:
        messages: list[Any] = [
            {"role": "system", "content": prompt(role)},
            {"role": "user", "content": request},
        ]
        while True:
            reply = await self._client.chat.completions.create(model=model, messages=messages, tools=tools)
            message = reply.choices[0].message
            messages.append(message.model_dump(exclude_none=True))
            if not message.tool_calls:
                return message.content or ""
            calls: list[Any] = list(message.tool_calls)
            results = await asyncio.gather(
                *(act(model, json.loads(call.function.arguments)) for call in calls)
            )
            messages += [
                {"role": "tool", "tool_call_id": call.id, "content": result}
                for call, result in zip(calls, results, strict=True)
            ]

    async def _create_worker(self, model: str, arguments: Any) -> str:
        brief: str = arguments["task_description"]
        return await self._loop(model, "worker", self._worker, brief, self._execute)

    async def _execute(self, model: str, arguments: Any) -> str:
        return "42\n"


def _spelled(method: Any) -> Any:
    tool = Tool.from_function(method.__get__(object()))
    function = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "function": function}


async def main() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR), cache_logger_on_first_use=True
    )
    with tempfile.TemporaryDirectory() as folder:
        async with (
            model_process() as url,
            Endpoint(api_key="none", base_url=url, api="chat") as endpoint,
            AsyncOpenAI(api_key="none", base_url=url) as client,
        ):
            ours, theirs = Handoff(endpoint, Path(folder)).run, ByHand(client).run
            print("| | requests | Handoff CPU ms/turn | by hand CPU ms/turn | ratio | limit |")
            print("|---|---|---|---|---|---|")
            await _pairs("one worker, one tool turn", "p1-t1-l0", 4, SHORT, 1.0, ours, theirs)
            await _pairs("one worker, 40 tool turns", "p1-t40-l0", 43, LONG, 0.2, ours, theirs)
            print("\n| | Handoff s | ideal s | ratio | limit |\n|---|---|---|---|---|")
            await _parallel(ours)
            print(f"\n| {PEOPLE:,} tasks at once, 250 ms a reply | failed | median s | all s | RSS MB |")
            print("|---|---|---|---|---|")
            await _crowd(ours)


async def _pairs(
    name: str, model: str, turns: int, times: int, limit: float, ours: Scenario, theirs: Scenario
) -> None:
    await asyncio.gather(ours(model), theirs(model))
    mine, other, ratios = [], [], []
    for _ in range(ROUNDS):
        mine.append(await _cpu(ours, model, times) / times / turns)
        other.append(await _cpu(theirs, model, times) / times / turns)
        ratios.append(mine[-1] / other[-1])
    figures = f"{statistics.median(mine) * 1000:.2f} | {statistics.median(other) * 1000:.2f}"
    print(f"| {name} | {turns} | {figures} | {statistics.median(ratios):.2f} | {limit} |", flush=True)


async def _cpu(scenario: Scenario, model: str, times: int) -> float:
    before = time.process_time()
    for _ in range(times):
        await scenario(model)
    return time.process_time() - before


async def _parallel(ours: Scenario) -> None:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await ours("p8-t1-l250")
        took.append(time.perf_counter() - began)
    middle = statistics.median(took)
    print(f"| 8 workers at once, 250 ms a reply | {middle:.2f} | 1.00 | {middle:.2f} | 1.10 |", flush=True)


async def _crowd(ours: Scenario) -> None:
    took: list[float] = []

    async def one() -> None:
        began = time.perf_counter()
        await ours("p1-t1-l250")
        took.append(time.perf_counter() - began)

    began = time.perf_counter()
    ends = await asyncio.gather(*(one() for _ in range(PEOPLE)), return_exceptions=True)
    failed = sum(isinstance(end, BaseException) for end in ends)
    seconds = f"{statistics.median(took):.1f} | {time.perf_counter() - began:.1f}"
    print(f"| | {failed} | {seconds} | {_peak_megabytes()} |", flush=True)


def _peak_megabytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
