"""A task, its states, and its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from agents.charts import Chart
from agents.figures import CheckedFigures
from sandbox.files import SandboxFile
from tasks.message import FileRef, ThreadAddress

#: How often a task whose run vanished is requeued; then one more run only posts `LOST`.
RESCUES = 5
LOST = "This task kept crashing, so I gave up on it. You can ask again."
QUARANTINED = (
    "Handoff crashed {times} times while it worked on this, so I won't try again. The log is kept: its "
    "operator finds the cause under {task}."
)


class State(StrEnum):
    """A task's state. The last four are final."""

    QUEUED = "queued"  # accepted; no process runs it
    RUNNING = "running"  # a process runs it, or did until it died: another resumes it from the log
    WAITING = "waiting"  # parked for a person's answer
    STOPPING = "stopping"  # a person stopped it; its run has yet to post that
    EXPIRING = "expiring"  # its question was not answered in time; its run has yet to post that
    DELIVERING = "delivering"  # it ended, and its delivery failed and is retried later
    ANSWERED = "answered"  # the answer is in the thread
    STOPPED = "stopped"  # a person stopped it
    FAILED = "failed"  # it ended with the sentence in `reason`
    EXPIRED = "expired"  # its question was not answered in time

    @property
    def is_over(self) -> bool:
        return self in (State.ANSWERED, State.STOPPED, State.FAILED, State.EXPIRED)

    @property
    def is_ending(self) -> bool:
        """Whether the work was ended from outside and its run has yet to post that."""
        return self in (State.STOPPING, State.EXPIRING)

    @property
    def is_parked(self) -> bool:
        """Whether no run has it until a person answers or delivery is retried."""
        return self in (State.WAITING, State.DELIVERING)


@dataclass(frozen=True, slots=True)
class Ticket:
    """One attempt to run a task: the first, and one more after each time the task was parked or requeued."""

    task: str
    attempt: int
    urgent: bool = field(default=False, compare=False)
    """Starts at once, past the queue and its limits: a person waits for the task to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One request and its state."""

    id: str
    thread: ThreadAddress
    message_ts: str
    """The message that started it."""
    user: str
    user_name: str
    request: str
    files: tuple[FileRef, ...]
    state: State
    attempt: int
    """How often it was queued: once, and again after each time it was parked or requeued."""
    created_at: float
    """Seconds since 1970, as are the other times."""
    started_at: float | None = None
    ended_at: float | None = None
    answer: str = ""
    reason: str = ""
    workers: int = 0
    tokens: int = 0
    cost: float | None = None
    """USD, where the price of every reply is known."""
    seconds: float | None = None
    """Of work, without waits; None until it has ended."""
    runner: str = ""
    """The run that began it last: only this one may write for the task."""
    deliveries: int = 0
    """How often delivery of its end failed."""
    rescues: int = 0
    """How often a run of it vanished."""
    deaths: int = 0
    """How many processes died while they ran it."""
    quarantined: bool = False
    """Whether it was ended because too many did."""
    asked: str = ""
    """The id of the question that its thread shows, or showed last."""

    @property
    def is_lost(self) -> bool:
        """Whether its runs vanished too often to try again."""
        return self.rescues >= RESCUES

    def is_runnable(self, attempt: int) -> bool:
        """Whether this attempt is the task's newest, and neither over nor parked."""
        return self.attempt == attempt and not (self.state.is_over or self.state.is_parked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a task has used."""

    workers: int = 0
    tokens: int = 0
    cost: float | None = None
    """USD, where the price of every reply is known."""
    seconds: float = 0.0
    """Of work, without waits for people and processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFile:
    """A file for people, as it stands in `/work`."""

    path: str
    data: SandboxFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one run of a task ended, and what it delivers. With the state `WAITING`, `text` is a question."""

    state: State
    text: str = ""
    reason: str = ""
    """One sentence for the thread beside the text."""
    options: tuple[str, ...] = ()
    asked: str = ""
    """The question's id. Messages that answer it carry it."""
    approval: str = ""
    """Set when the question asks to approve a tool call (`agents.tools.approvals`): its id and digest."""
    files: Sequence[OutputFile] = ()
    quarantined: bool = False
    """Whether the task was ended because too many processes died while they ran it."""
    spent: Spent = field(default_factory=Spent)
    hosts: tuple[str, ...] = ()
    """The hosts that programs have reached."""
    charts: Sequence[Chart] = ()
    """What workers have Slack draw."""
    figures: CheckedFigures | None = None
    """The figures of an answer; None where nothing was run."""
