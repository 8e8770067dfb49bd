"""The thread of a running task, as protocols. The bot implements them for Slack."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
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


class Thread(Protocol):
    """The only writer to one thread, for as long as a task runs."""

    def emit(self, event: Event) -> None:
        """Show an event; returns at once. Events that come faster than they can be shown may be skipped."""
        ...

    async def fetch(self, file: FileRef) -> SandboxFile:
        """An attached file; raises `FileNotFetched`."""
        ...

    async def before(self) -> Sequence[Message]:
        """The messages in the thread before the task's own, oldest first: the newest part of a long thread,
        and nothing from one that can't be read."""
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
