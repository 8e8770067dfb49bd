"""A task and its states."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tasks.message import FileRef, ThreadAddress


class State(StrEnum):
    """Where a task stands. It leaves each of the first four, and none of the last three."""

    QUEUED = "queued"  # accepted and written down; no process has begun it
    RUNNING = "running"  # a process works on it, or did when it died: another goes on from the log
    WAITING = "waiting"  # parked for a person's answer; costs nothing until it comes
    STOPPING = "stopping"  # a person stopped it; its runner has yet to say so in the thread
    ANSWERED = "answered"  # the answer is in the thread
    STOPPED = "stopped"  # a person stopped it
    FAILED = "failed"  # it ended with the sentence in `reason`

    @property
    def is_over(self) -> bool:
        return self in (State.ANSWERED, State.STOPPED, State.FAILED)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one run of a task ended: in an ending, or `WAITING` with the question in `text`."""

    state: State
    text: str = ""
    reason: str = ""
    """One sentence for the thread, when the text is not all there was to say."""
    options: tuple[str, ...] = ()
