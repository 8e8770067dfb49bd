"""Agents for tests: the real parts, on a scripted endpoint and an in-memory journal.

The sandbox is real but not entered: a test that has code run brings its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents.budget import AgentLimits, Budget, Meter
from agents.conversation import Turn, UserTurn
from agents.events import Event
from agents.journal import EmptyInbox, Inbox, Incoming, Journal, MemoryJournal
from agents.loop import AgentLoop, LoopResult
from agents.model.endpoint import Endpoint, OnRetry
from agents.model.pictures import Pictures
from agents.model.prices import Prices
from agents.observer import Observer
from agents.orchestrator import AgentDeps, Orchestrator
from agents.role import Role
from agents.skills import Skill
from agents.tools import Function, Tool
from agents.tools.approvals import ApprovalStore
from agents.tools.team_tools import Toolbox, no_tools
from sandbox.egress.policy import EgressPolicy
from sandbox.job import Job, Run, Status
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace
from tests.support.scripted_model import ScriptedModel

ROOM = Budget(30, 600, 10_000_000)
ASKED: Sequence[Turn] = (UserTurn("Ann: please"),)


def endpoint_of(model: ScriptedModel, **options: Any) -> Endpoint:
    """An endpoint with almost no backoff."""
    patient = {"first_wait": 0.001, "idle_timeout": 30.0, **options}
    return Endpoint(api_key="sk-test", base_url=model.base_url, **patient)


class ListInbox:
    """An inbox whose messages a test puts in."""

    def __init__(self, *messages: Incoming) -> None:
        self.messages = list(messages)
        self.marked: list[str] = []

    async def unread(self) -> Sequence[Incoming]:
        return [message for message in self.messages if message.id not in self.marked]

    async def answers(self, asked: str) -> Sequence[Incoming]:
        return await self.unread()

    async def mark(self, ids: Sequence[str]) -> None:
        self.marked += ids


class Instant(Sandbox):
    """A sandbox whose programs print 42 at once."""

    @property
    def idle(self) -> int:
        return 1

    async def run(self, job: Job, *, on_output: Callable[[str], None] | None = None, **more: Any) -> Run:
        return Run(status=Status.OK, exit_code=0, stdout="42\n", stderr="", seconds=0.0)


@dataclass
class Agent:
    """One loop with tools of the test's own."""

    tools: Sequence[Function] = ()
    journal: Journal = field(default_factory=MemoryJournal)
    inbox: Inbox = field(default_factory=EmptyInbox)
    budget: Budget = ROOM
    prices: Prices = field(default_factory=Prices)
    model: str = "m"
    on_retry: OnRetry = lambda why, wait: None
    workspace: Workspace = field(default_factory=lambda: Workspace(Path("nowhere")))
    """Where its pictures are."""

    async def run(self, endpoint: Endpoint, opening: Sequence[Turn] = ASKED) -> LoopResult:
        role = Role(
            name="agent",
            model=self.model,
            instructions="Work.",
            tools=[Tool.from_function(function) for function in self.tools],
        )
        self.meter = Meter(self.budget)
        loop = AgentLoop(
            role, endpoint=endpoint, journal=self.journal, inbox=self.inbox, meter=self.meter,
            prices=self.prices, watcher=Observer(on_reply=lambda _: None, on_retry=self.on_retry),
            pictures=Pictures(Sandbox(), self.workspace),
        )  # fmt: skip
        return await loop.run(opening)


@dataclass
class Team:
    """An orchestrator as a task has one; `events` are its events."""

    journal: MemoryJournal = field(default_factory=MemoryJournal)
    inbox: Inbox = field(default_factory=EmptyInbox)
    limits: AgentLimits = field(default_factory=AgentLimits)
    prices: Prices = field(default_factory=Prices)
    sandbox: Sandbox | None = None
    toolbox: Toolbox = no_tools
    reading: Sequence[Tool] = ()
    skills: Sequence[Skill] = ()
    egress: EgressPolicy = field(default_factory=EgressPolicy)
    approvals: ApprovalStore | None = None
    model: str = "m"
    checks_figures: bool = False
    events: list[Event] = field(default_factory=list)

    async def run(self, endpoint: Endpoint, opening: Sequence[Turn] = ASKED) -> LoopResult:
        with tempfile.TemporaryDirectory() as folder:
            return await self.run_in(Path(folder), endpoint, opening)

    async def run_in(self, folder: Path, endpoint: Endpoint, opening: Sequence[Turn] = ASKED) -> LoopResult:
        deps = AgentDeps(
            endpoint=endpoint, sandbox=self.sandbox or Sandbox(), model=self.model, worker_model=self.model,
            limits=self.limits, prices=self.prices, toolbox=self.toolbox,
            reading=self.reading, checks_figures=self.checks_figures, skills=self.skills,
            egress=self.egress,
        )  # fmt: skip
        orchestrator = Orchestrator(
            deps, workspace=Workspace(folder), journal=self.journal, inbox=self.inbox,
            emit=self.events.append, approvals=self.approvals,
        )  # fmt: skip
        return await orchestrator.answer(opening)


def kinds(journal: Journal) -> list[str]:
    return [entry.kind for entry in journal.entries]


def bodies(journal: Journal, kind: str) -> list[dict[str, Any]]:
    return [entry.body for entry in journal.entries if entry.kind == kind]


class CutJournal(MemoryJournal):
    """A journal whose process dies when `left` more entries would have been written."""

    class Died(BaseException):
        """Not an Exception, as no code of ours survives its process."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self._left = [left]

    async def append(self, kind: str, body: dict[str, Any]) -> None:
        if self._left[0] == 0:
            raise CutJournal.Died
        self._left[0] -= 1
        await super().append(kind, body)

    async def for_agent(self, agent: str) -> CutJournal:
        child = CutJournal(0)
        child._left, child._entries, child._agent = self._left, self._entries, agent
        self._entries.setdefault(agent, [])
        return child

    def survived(self) -> MemoryJournal:
        """What another process finds."""
        found = MemoryJournal()
        found._entries = {agent: list(entries) for agent, entries in self._entries.items()}
        return found
