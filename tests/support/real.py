"""Everyday requests to a real model, through the bot and the local Slack: `make real`.

Prints each answer with its workers, runs, turns, repairs and seconds. Ends with code 1 if an answer shows
markup, a task ends without a sentence, or a worker's row is complete without a run where code was called for.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select

from agents.model.wire import text_calls
from agents.model.wire.reasoning import strip_reasoning
from bot.timing import STANDARD
from playground.slack import SlackStandIn
from tasks.store import schema
from tasks.task import State, Task
from tests.support.stack import ADA, Stack, stack
from text.excerpt import one_line

#: Seconds that one task may take; a small model on a processor reads a few hundred tokens a second.
_PATIENCE = 600
#: Settings for the small model; containers that are kept ready would take processor time from it.
_SLOW = {"model_window": 12_288, "model_idle_seconds": 600, "model_max_output": 400, "sandbox_pool": 0}
_TIMES = {
    "limit_task_turns": 6, "limit_workers": 2, "limit_quick_seconds": 120, "limit_normal_seconds": 120,
    "limit_deep_seconds": 120, "limit_task_seconds": 200,
}  # fmt: skip
_SALES = b"region,units,price\nNorth,12,4.5\nSouth,30,2.0\nEast,8,9.0\nWest,21,3.0\n"
_TOOLS = ("create_worker", "ask_user", "plan", "read_file", "execute_python_code", "report")


@dataclass(frozen=True)
class Request:
    """What a person writes, and whether an answer needs a program."""

    text: str
    needs_code: bool = False
    file: bytes = b""


REQUESTS = (
    Request("hi"),
    Request("what can you do?"),
    Request("What is 17 % of 2,340? Compute it with Python.", needs_code=True),
    Request("Run this for me:\n```\nprint(sum(n * n for n in range(10)))\n```", needs_code=True),
    Request('How do I say "good morning, see you at ten" in German?'),
    Request("How many Mondays does the year 2026 have? Count them with Python.", needs_code=True),
    Request("Which region in the attached file sold for the most money?", needs_code=True, file=_SALES),
    Request("Draw a bar chart of 3, 5 and 2 and save it as chart.png.", needs_code=True),
    Request("Put this into one sentence: The meeting was long. We agreed on nothing. We meet on Friday."),
    Request("Compute the 20th Fibonacci number, the sum of the primes below 100, and 12!", needs_code=True),
    Request("Is 7919 a prime number? Check it with Python.", needs_code=True),
    Request("thanks!"),
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of a request."""

    request: Request
    state: str
    answer: str
    entries: Sequence[tuple[str, str, Mapping[str, Any]]]
    """Agent, kind and body of the journal's entries."""
    seconds: float

    def count(self, kind: str, *, workers_only: bool = False) -> int:
        return sum(found == kind and bool(agent or not workers_only) for agent, found, _ in self.entries)

    @property
    def runs(self) -> int:
        return sum("run" in body.get("facts", ()) for _, kind, body in self.entries if kind == "result")

    @property
    def repairs(self) -> int:
        """Replies that were asked for again, calls that were refused, and calls read from text."""
        return sum(
            bool(body.get("goes_on"))
            or (kind == "result" and str(body["text"]).startswith("Error: "))
            or (kind == "reply" and bool(body["calls"]) and not body["api"])
            for _, kind, body in self.entries
        )

    @property
    def faults(self) -> list[str]:
        has_markup = text_calls.has_markup(self.answer, _TOOLS) or strip_reasoning(self.answer) != self.answer
        empty_rows = [
            body["facts"]["worker"]["title"]
            for _, kind, body in self.entries
            if kind == "result" and _is_empty_row(body)
        ]
        return [
            *(["markup in the answer"] if has_markup else []),
            *(["no sentence"] if not self.answer.strip() else []),
            *(
                [f"complete without a run: {', '.join(empty_rows)}"]
                if empty_rows and self.request.needs_code
                else []
            ),
        ]


def _is_empty_row(body: Mapping[str, Any]) -> bool:
    if body.get("facts", {}).get("worker", {}).get("status") != "done":
        return False
    return not json.loads(body["text"])["facts"]["runs"]


async def run(requests: Sequence[Request], base_url: str, **settings: Any) -> list[Outcome]:
    """Give the requests one after the other, each in a thread of its own."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="handoff-real-") as folder:
        async with (
            SlackStandIn() as slack,
            stack(slack, base_url, Path(folder), timing=STANDARD, **settings) as bot,
        ):
            for request in requests:
                outcomes.append(await _ask(bot, request))
                _print(outcomes[-1])
    return outcomes


async def _ask(bot: Stack, request: Request) -> Outcome:
    began = time.monotonic()
    files = [await bot.slack.upload(ADA, "sales.csv", request.file)] if request.file else []
    ts = await bot.ask(f"<@{bot.slack.bot_user_id}> {request.text}", files=files)
    task = await _ended(bot, ts)
    await bot.handled()
    seconds = time.monotonic() - began
    said = bot.said(ts)
    event = schema.event.c
    query = select(event.agent, event.kind, event.body).where(event.task == task.id).order_by(event.seq)
    async with bot.server.engine.store.database.read() as connection:
        entries = [(agent, kind, body) for agent, kind, body in await connection.execute(query)]
    return Outcome(request, task.state.value, said, entries, seconds)


async def _ended(bot: Stack, ts: str) -> Task:
    """The task when it is over, or asks a question: the next request does not wait for its answer."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            task = await bot.task(ts, State.WAITING, *(state for state in State if state.is_over))
        except TimeoutError:
            if time.monotonic() > until:
                raise
            continue
        return task


def _print(outcome: Outcome) -> None:
    cells = [
        one_line(outcome.request.text, 60), outcome.state, str(outcome.count("worker")), str(outcome.runs),
        str(outcome.count("reply")), str(outcome.repairs), f"{outcome.seconds:.0f}",
        one_line(outcome.answer, 160), "; ".join(outcome.faults),
    ]  # fmt: skip
    print(f"| {' | '.join(cell.replace('|', '¦') for cell in cells)} |", flush=True)


@asynccontextmanager
async def local_model(folder: Path) -> AsyncIterator[str]:
    """The base URL of the small model in `folder`."""
    process = await asyncio.create_subprocess_exec(
        folder / "venv/bin/python", "scripts/real_model.py", folder / "model.gguf",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout
    assert process.stdin
    try:
        address = (await process.stdout.readline()).decode().strip()
        if not address.startswith("http"):
            raise SystemExit(f"The model's server did not start: {address or 'no address'}")
        yield f"{address}/v1"
    finally:
        process.stdin.close()
        await process.wait()


async def evaluate(tasks: int, local: Path | None) -> int:
    """Run `handoff eval` on the first tasks of the office set; its exit code."""
    words = ("-m", "bot.cli", "eval", "run", "evals/office", "--tasks", str(tasks), "--at-once", "1")
    async with AsyncExitStack() as stack:
        environment = dict(os.environ)
        if local is not None:
            url = await stack.enter_async_context(local_model(local))
            environment |= {"OPENAI_BASE_URL": url, "HANDOFF_MODEL": "local", "HANDOFF_MODEL_API": "chat"}
            environment |= {f"HANDOFF_{name.upper()}": str(value) for name, value in (_SLOW | _TIMES).items()}
        process = await asyncio.create_subprocess_exec(sys.executable, *words, env=environment)
        return await process.wait()


async def main() -> int:
    parser = argparse.ArgumentParser(prog="make real", description=__doc__)
    parser.add_argument("--local", type=Path, help="folder of the small model")
    parser.add_argument("--only", type=int, action="append", help="number of a request, from 1")
    parser.add_argument("--eval", type=int, metavar="N", help="the first N tasks of evals/office instead")
    given = parser.parse_args()
    if given.eval:
        return await evaluate(given.eval, given.local)
    requests = [REQUESTS[number - 1] for number in given.only] if given.only else list(REQUESTS)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print("| request | state | workers | runs | turns | repairs | seconds | answer | faults |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    if given.local:
        async with local_model(given.local) as url:
            outcomes = await run(requests, url, model="local", model_api="chat", **_SLOW, **_TIMES)
    else:
        model = os.environ.get("HANDOFF_MODEL", "gpt-5.6")
        key = {"openai_api_key": os.environ["OPENAI_API_KEY"]} if "OPENAI_API_KEY" in os.environ else {}
        url = os.environ.get("OPENAI_BASE_URL", "https://api.openai.com/v1")
        outcomes = await run(requests, url, model=model, **key)
    faults = sum(len(outcome.faults) for outcome in outcomes)
    print(f"\n{len(outcomes)} requests, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
