"""Posts many jobs in Slack while the test disturbs the bot, and counts what went wrong.

The Slack, the model and the people are in this process; the bots are others. Each job is an orchestrator with
two workers of some turns each, so that a kill meets all kinds of moments.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playground.slack import SlackStandIn
from tests.support.scripted_model import Asked, Call, Reply, Say, ScriptedModel, Turn

USER, CHANNEL = "U0ADA0001", "C0GENERAL"
WORKERS = ("a", "b")
#: Turns of a worker; all but the last are calls that need no container.
TURNS = 3
_JOB = re.compile(r"job (\d+)(?: part (\w))?\b")
#: Seconds that a request may be on its way, and a reply until it is written down, with both cores busy.
SETTLED = 1.0
#: Seconds after which a delivery of Slack's that got no answer is repeated: Slack's own would take minutes.
_REPEATS = (0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 10.0, 10.0, 10.0, 20.0, 20.0)


@dataclass(frozen=True)
class Tally:
    """The outcome of the jobs."""

    jobs: int
    lost: int
    """Jobs without an answer."""
    doubled: int
    """Answers beyond the first of a job."""
    calls: int
    """Different model calls that the jobs took."""
    cut: int
    """Model calls whose asker was gone before the reply: only these have to be made again."""
    repeated: int
    """Model calls made again."""
    needless: int
    """Those of them whose first reply had come long before its process broke: it should be in the log."""
    most_repeats: int
    """The largest number of times that one and the same call was made again."""

    def __str__(self) -> str:
        return (
            f"{self.jobs} jobs, {self.lost} lost, {self.doubled} doubled; "
            f"{self.calls} model calls, {self.cut} cut off, {self.repeated} repeated "
            f"({self.repeated - self.needless} in flight, {self.needless} finished before), "
            f"one at most {self.most_repeats} times"
        )


@dataclass
class Workload:
    """The outside of the bots: `settings` point a process to it."""

    slack: SlackStandIn
    model: ScriptedModel
    latency: float
    asked: Counter[str] = field(default_factory=Counter)
    given: dict[int, str] = field(default_factory=dict)
    needless: int = 0
    runs_code: bool = False
    """Whether each worker runs a program, without which the job has no answer."""
    _breaks: list[tuple[float, float]] = field(default_factory=list)
    _answered: dict[str, tuple[float, float]] = field(default_factory=dict)

    def broke(self) -> None:
        """A bot is being killed, frozen or thawed: what is in flight there may be asked for again, by others
        or by itself before it knows that it was replaced."""
        self._breaks.append((time.monotonic(), time.monotonic()))

    @contextmanager
    def outage(self) -> Iterator[None]:
        """The database is away inside: what is answered then can't be written down, and another bot may ask
        for it again."""
        began, place = time.monotonic(), len(self._breaks)
        self._breaks.append((began, float("inf")))
        yield
        self._breaks[place] = began, time.monotonic()

    def settings(self, folder: Path, database_url: str) -> Mapping[str, str]:
        return {
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "OPENAI_BASE_URL": self.model.base_url,
            "HANDOFF_MODEL": "scripted-1",
            "HANDOFF_MODEL_API": "chat",
            "HANDOFF_DATA_DIR": str(folder),
            "HANDOFF_DATABASE_URL": database_url,
            "HANDOFF_PORT": "0",
            "HANDOFF_SANDBOX_POOL": "0",
            "HANDOFF_LIMIT_TASK_DEATHS": "1000",
            "HANDOFF_LIMIT_PERSON_TASKS": "1000",
            "HANDOFF_LIMIT_CHANNEL_TASKS": "1000",
            "HANDOFF_LIMIT_WORKSPACE_TASKS": "1000",
            "HANDOFF_LOG_FORMAT": "json",
        }

    async def give(self, jobs: int, *, pause: float = 0.0, attach: bool = False) -> None:
        """Post that many further jobs, each in a thread of its own, `pause` seconds apart on average; with
        `attach`, each with a file."""
        for number in range(len(self.given), len(self.given) + jobs):
            attached = [await self.slack.upload(USER, "data.csv", b"1,2\n" * 1000)] if attach else []
            text = f"@Handoff do job {number}"
            self.given[number] = await self.slack.post(USER, CHANNEL, text, files=attached)
            await asyncio.sleep(random.uniform(0, 2 * pause))

    def answers(self, number: int) -> int:
        """How often the answer of a job stands in its thread."""
        said = [str(m) for m in self.slack.state.replies(CHANNEL, self.given[number])]
        return sum(answer_of(number) in text for text in said)

    def waiting(self) -> list[int]:
        return [number for number in self.given if not self.answers(number)]

    async def finish(self, seconds: float) -> None:
        """Wait until all is answered, or for so many seconds without a single answer more."""
        loop = asyncio.get_running_loop()
        waiting, until = self.waiting(), loop.time() + seconds
        while waiting and loop.time() < until:
            await asyncio.sleep(0.2)
            if len(now := self.waiting()) < len(waiting):
                waiting, until = now, loop.time() + seconds

    def tally(self) -> Tally:
        counts = [self.answers(number) for number in self.given]
        return Tally(
            jobs=len(counts),
            lost=counts.count(0),
            doubled=sum(count - 1 for count in counts if count > 1),
            calls=len(self.asked),
            cut=self.model.hung_up,
            repeated=sum(count - 1 for count in self.asked.values()),
            needless=self.needless,
            most_repeats=max((count - 1 for count in self.asked.values()), default=0),
        )

    async def answer(self, asked: Asked) -> Reply | None:
        """The model: what it says follows from the conversation alone, so each call has a name."""
        job, part = _named(asked)
        turn = sum(message.get("role") == "assistant" for message in asked.body["messages"])
        # Counted on arrival: a bot that is killed while it waits has paid for it all the same.
        name, arrived = f"{job}/{part}/{turn}", time.monotonic()
        self.asked[name] += 1
        if (before := self._answered.pop(name, None)) is not None:
            began, ended = before[0] - SETTLED, before[1] + SETTLED
            self.needless += not any(began <= over and since <= ended for since, over in self._breaks)
        await asyncio.sleep(self.latency)
        self._answered[name] = arrived, time.monotonic()
        if part:
            return _worker(turn, asked, runs_code=self.runs_code)
        if turn == 0:
            tasks = [
                {"task_description": f"job {job} part {name}", "title": f"Part {name}"} for name in WORKERS
            ]
            return Turn(calls=tuple(Call("create_worker", task) for task in tasks))
        has_failed = any('"status": "failed"' in result for result in asked.results)
        return Say("A part is missing." if has_failed else answer_of(job))


def answer_of(job: int) -> str:
    return f"The answer of job {job} is complete."


def _worker(turn: int, asked: Asked, *, runs_code: bool) -> Reply:
    has_run = any("stdout:\n42" in result for result in asked.results)
    if runs_code and not has_run and turn < TURNS:
        # A program that runs when its engine goes is lost, and its worker tries again.
        return Call("execute_python_code", {"code": "print(6 * 7)"})
    if turn + 1 < TURNS:
        # Refused before it needs a container, which would make this a test of Docker's speed.
        return Call("execute_python_code", {"wrong": turn})
    if runs_code and not has_run:
        return Call("report", {"status": "failed", "summary": "the program did not run"})
    return Call("report", {"status": "done", "summary": f"done in {TURNS} turns"})


def _named(asked: Asked) -> tuple[int, str]:
    text = asked.brief if asked.is_worker else str(asked.body["messages"])
    found = _JOB.search(text)
    assert found is not None, text[:200]
    return int(found[1]), found[2] or "" if asked.is_worker else ""


@asynccontextmanager
async def workload(
    *,
    latency: float = 0.4,
    answer: Callable[[Asked], Awaitable[Reply | None]] | None = None,
    host: str = "127.0.0.1",
    rate_limits: bool = False,
) -> AsyncIterator[Workload]:
    """A Slack and a model whose calls take `latency` seconds; with `answer`, it says what that says.

    Both listen on `host`. `rate_limits`: Slack refuses calls beyond its rates.
    """
    holder: list[Workload] = []
    async with (
        SlackStandIn(host=host, rate_limits=rate_limits, retry_delays=_REPEATS) as slack,
        ScriptedModel(answer or (lambda asked: holder[0].answer(asked)), piece=200, host=host) as model,
    ):
        holder.append(Workload(slack, model, latency))
        yield holder[0]
