"""Limits of agents and of an endpoint: budgets of turns, seconds, tokens and USD, and meters that count
against them.

A worker's meter is a child of its task's meter: its spending counts there too, and its time is bounded by
what the task has left.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from agents.journal import Entry

Effort = Literal["quick", "normal", "deep"]


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one agent; the defaults are those of the orchestrator, whose budget is the whole task's."""

    turns: Annotated[int, Field(ge=1, le=1000)] = 60
    """Model turns: for a task those of its orchestrator, for a worker its own."""
    seconds: Annotated[float, Field(ge=10, le=86_400)] = 1800
    """Seconds of work; waiting for a person doesn't count."""
    tokens: Annotated[int, Field(ge=1000, le=1_000_000_000)] = 2_000_000
    """Input plus output tokens; a task's include its workers'."""
    usd: Annotated[float | None, Field(gt=0)] = None
    """USD, where the models' prices are known. Empty: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLimits:
    """Limits of one task."""

    task: Budget = field(default_factory=Budget)
    at_once: Annotated[int, Field(ge=1, le=100)] = 8
    """Workers of one task at the same time; further ones wait for a free place."""
    workers: Annotated[int, Field(ge=1, le=1000)] = 24
    """Workers of one task in total; the model is refused further ones."""
    quick_seconds: Annotated[float, Field(ge=10, le=86_400)] = 90
    """Seconds of work of a worker for a single step; waiting for a free place at the model doesn't count."""
    normal_seconds: Annotated[float, Field(ge=10, le=86_400)] = 300
    """The same of a worker for normal work."""
    deep_seconds: Annotated[float, Field(ge=10, le=86_400)] = 900
    """The same of a worker for long work."""

    def worker(self, effort: Effort) -> Budget:
        """The budget of a worker with this effort."""
        match effort:
            case "quick":
                return Budget(6, self.quick_seconds, 40_000)
            case "normal":
                return Budget(15, self.normal_seconds, 150_000)
        return Budget(40, self.deep_seconds, 500_000)


@dataclass(frozen=True, kw_only=True)  # no slots: `Endpoint` takes the defaults from the class
class EndpointLimits:
    """Limits of the requests to a model endpoint."""

    at_once: Annotated[int, Field(ge=1, le=10_000)] = 256
    """Requests to one model at the same time; fewer while the endpoint limits the rate."""
    idle_seconds: Annotated[float, Field(ge=1, le=3600)] = 90
    """Seconds without output before a request is retried; raise it for a slow model of your own."""


#: Seconds for the last turn at a limit.
LAST_TURN_SECONDS = 45.0


class Meter:
    """Counts one agent's use against its budget."""

    def __init__(self, budget: Budget, parent: Meter | None = None) -> None:
        self.budget = budget
        self.turns = 0
        self.tokens = 0
        self.usd = 0.0
        self._parent = parent
        self._began = time.monotonic()
        self._most = budget.seconds
        self._latest = math.inf
        self._pauses = 0
        self._pause_began = 0.0
        self._paused = 0.0
        self._timeouts: set[asyncio.Timeout] = set()
        if parent is not None:
            left = parent.left - self._reserve(parent)
            self._most = max(0.0, min(budget.seconds, left))
            self._latest = self._began + left

    @staticmethod
    def _reserve(parent: Meter) -> float:
        """Seconds that a parent keeps to use what a child hands back at its limit."""
        return min(LAST_TURN_SECONDS, 0.2 * max(parent.left, 0.0))

    @property
    def seconds(self) -> float:
        """Seconds of work so far, those before a restart included and pauses not."""
        now = self._pause_began if self._pauses else time.monotonic()
        return now - self._began - self._paused

    @property
    def deadline(self) -> float:
        """When the time is up, on the event loop's clock. Pauses move it, at most to the parent's."""
        return self._latest if self._pauses else min(self._began + self._most + self._paused, self._latest)

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()

    @contextlib.asynccontextmanager
    async def timeout(self) -> AsyncIterator[asyncio.Timeout]:
        """Cuts what runs inside at the deadline, also when a pause moves it."""
        async with asyncio.timeout_at(self._finite_deadline()) as limit:
            self._timeouts.add(limit)
            try:
                yield limit
            finally:
                self._timeouts.discard(limit)

    @contextlib.contextmanager
    def pause(self) -> Iterator[Callable[[], None]]:
        """The time inside does not count. The function that it gives ends the pause earlier."""
        if not self._pauses:
            self._pause_began = time.monotonic()
        self._pauses += 1
        self._reschedule()
        resume = contextlib.ExitStack()
        resume.callback(self._resume)
        with resume:
            yield resume.close

    def wait(self) -> contextlib.AbstractContextManager[object]:
        """A pause while a worker waits for its turn at the model. The task's own time goes on."""
        return contextlib.nullcontext() if self._parent is None else self.pause()

    def _resume(self) -> None:
        self._pauses -= 1
        if not self._pauses:
            self._paused += time.monotonic() - self._pause_began
        self._reschedule()

    def _reschedule(self) -> None:
        for limit in self._timeouts:
            if not limit.expired():
                limit.reschedule(self._finite_deadline())

    def _finite_deadline(self) -> float | None:
        return self.deadline if math.isfinite(self.deadline) else None

    def child(self, budget: Budget) -> Meter:
        return Meter(budget, self)

    def share(self, budget: Budget) -> Budget:
        """The budget of further work that may take at most half of what is left here."""
        usd = budget.usd if self.budget.usd is None else (self.budget.usd - self.usd) / 2
        tokens = min(budget.tokens, (self.budget.tokens - self.tokens) // 2)
        return Budget(budget.turns, min(budget.seconds, self.left / 2), tokens, usd)

    def add_elapsed(self, seconds: float) -> None:
        """Count `seconds` of work by an earlier process."""
        self._began -= seconds
        # The maximum was computed from what the parent has left now, without these seconds.
        self._most = min(self.budget.seconds, self._most + seconds)

    def restore(self, entries: Sequence[Entry]) -> None:
        """Count what a journal's entries spent, after a restart."""
        clock = 0.0
        for entry in entries:
            body = entry.body
            clock = max(clock, body.get("clock", 0.0))
            if entry.kind in ("reply", "context"):
                tokens = body["usage"]["input"] + body["usage"]["output"]
                spend = self.turn if entry.kind == "reply" else self.spend
                spend(tokens, body.get("cost") or 0.0)
            elif entry.kind == "result":
                self.spend(body["facts"].get("tokens", 0), body["facts"].get("cost") or 0.0)
        self.add_elapsed(clock)

    def turn(self, tokens: int, usd: float) -> None:
        """Count one model turn here, and its spending in each ancestor too."""
        self.turns += 1
        self.spend(tokens, usd)

    def spend(self, tokens: int, usd: float) -> None:
        self.tokens += tokens
        self.usd += usd
        if self._parent is not None:
            self._parent.spend(tokens, usd)

    def exceeded(self) -> str:
        """The limit that is reached, as text after "Stopped: "; empty while none is."""
        if self.turns >= self.budget.turns:
            return f"the limit of {self.budget.turns} turns is reached"
        if self.left <= 0:
            return self.time_is_up
        return self._spent("the") or (self._parent._spent("the task's") if self._parent else "")

    def _spent(self, whose: str) -> str:
        if self.tokens >= self.budget.tokens:
            return f"{whose} limit of {self.budget.tokens:,} tokens is reached"
        if self.budget.usd is not None and self.usd >= self.budget.usd:
            return f"{whose} limit of {self.budget.usd:.2f} USD is reached"
        return ""

    @property
    def time_is_up(self) -> str:
        return f"the time limit of {self._most:.0f} seconds is reached"
