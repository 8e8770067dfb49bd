"""A task and its states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tasks.message import FileRef, ThreadAddress

#: After so many times that a task's run vanished without an end, one more only tells that it is given up.
RESCUES = 5
LOST = "It broke off again and again inside Handoff, and was given up. You can ask again."


class State(StrEnum):
    """Where a task stands. It leaves each of the first six, and none of the last four."""

    QUEUED = "queued"  # accepted and written down; no process works on it
    RUNNING = "running"  # a process works on it, or did when it died: another goes on from the log
    WAITING = "waiting"  # parked for a person's answer; costs nothing until it comes
    STOPPING = "stopping"  # a person stopped it; its runner has yet to say so in the thread
    EXPIRING = "expiring"  # nobody answered its question in time; its runner has yet to say so
    DELIVERING = "delivering"  # it has ended, and the thread could not be reached: tried again later
    ANSWERED = "answered"  # the answer is in the thread
    STOPPED = "stopped"  # a person stopped it
    FAILED = "failed"  # it ended with the sentence in `reason`
    EXPIRED = "expired"  # it waited for an answer that never came

    @property
    def is_over(self) -> bool:
        return self in (State.ANSWERED, State.STOPPED, State.FAILED, State.EXPIRED)

    @property
    def is_ending(self) -> bool:
        """Whether it was decided from outside that the work is over."""
        return self in (State.STOPPING, State.EXPIRING)

    @property
    def is_parked(self) -> bool:
        """Whether no run has it until something comes: a person's answer, or the time of another delivery."""
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
    """One request and what became of it."""

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
    """How often it has been placed: once, and again after each time it was parked."""
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
    """Of work on it, waits left out; None until it has ended, and where nothing counted them."""
    runner: str = ""
    """The run that began it last: nobody else may write for the task."""
    deliveries: int = 0
    """How often its end could not be told in the thread."""
    rescues: int = 0
    """How often a run of it vanished without an end."""
    asked: str = ""
    """The id of the question that its thread shows, or showed last."""

    @property
    def is_lost(self) -> bool:
        """Whether its work is not tried again."""
        return self.rescues >= RESCUES


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
    data: bytes


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
    """Set when the question asks to approve a tool call (`agents.approvals`): its id and digest."""
    files: Sequence[OutputFile] = ()
    spent: Spent = field(default_factory=Spent)
