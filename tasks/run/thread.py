"""The thread of a running task, as protocols. The bot implements them for Slack."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from agents.events import Event
from sandbox.files import SandboxFile
from tasks.message import FileRef, Message
from tasks.task import Outcome, Task


class FileNotFetched(Exception):
    """An attached file could not be fetched; `str()` is a sentence for the person who attached it."""


class NotDelivered(Exception):
    """The end of a task could not be delivered; `str()` is a sentence for the operator: why, and the fix.

    Unless it is `for_good`, delivery is retried later, which repeats nothing that was posted.
    """

    def __init__(self, sentence: str, *, for_good: bool = False) -> None:
        super().__init__(sentence)
        self.for_good = for_good


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a task was asked, and what its thread says beside the tasks that are known."""

    place: str = ""
    """The channel, `#name` with its topic; empty for a direct message and where it is not known."""
    zone: str = ""
    """The asker's time zone, an IANA name; empty where it is not known."""
    messages: Sequence[Message] = ()
    """Oldest first. The thread's first message leads, however old, unless it is a known task's request; the
    others are the newest since the last known task."""
    left_out: int = 0
    """How many messages between the first and the second were left out."""
    files: tuple[FileRef, ...] = ()
    """The files of the request, where its event had none."""


class Thread(Protocol):
    """The only writer to one thread, for as long as a task runs."""

    def emit(self, event: Event) -> None:
        """Show an event; returns at once. Events that come faster than they can be shown may be skipped."""
        ...

    async def fetch(self, file: FileRef, *, quiet: bool = False) -> SandboxFile:
        """An attached file; raises `FileNotFetched`, after the thread says so unless `quiet`."""
        ...

    async def transcript(self, file: FileRef) -> str:
        """What is said in an attached clip, if that was not known, or not all of it, when its message came;
        else empty."""
        ...

    async def surroundings(self, history: Sequence[Task]) -> Surroundings:
        """What the agents don't know from `history`, the thread's known tasks before this one. What can't be
        read is left out."""
        ...

    async def mark_read(self, message_ts: str) -> None:
        """Show the author of a follow-up that the agents have read it."""
        ...

    async def deliver(self, outcome: Outcome) -> None:
        """Post how the task ended, once, however often this is called for the same task; waits while Slack is
        away. Raises `NotDelivered` when the thread can't be written to."""
        ...


class TaskThreads(Protocol):
    """Opens the thread of a task."""

    def open(self, task: Task) -> AbstractAsyncContextManager[Thread]: ...
