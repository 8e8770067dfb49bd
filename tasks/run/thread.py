"""What a running task needs of the place it was asked in. Slack's form of it lives in the bot."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from agents.events import Event
from tasks.message import FileRef, Message
from tasks.task import Outcome, Spent, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A file for people, as it stands in `/work`."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a task brings back."""

    outcome: Outcome
    files: Sequence[Made] = ()
    spent: Spent = field(default_factory=Spent)


class FileNotFetched(Exception):
    """An attached file could not be had; `str()` is a sentence for the person who attached it."""


class NotDelivered(Exception):
    """The end of a task could not be told; `str()` tells the operator why, and what would help.

    Unless it is `for_good`, it is tried again later, which repeats nothing that was posted.
    """

    def __init__(self, sentence: str, *, for_good: bool = False) -> None:
        super().__init__(sentence)
        self.for_good = for_good


class Thread(Protocol):
    """The one writer to one thread, for as long as a task runs."""

    def emit(self, event: Event) -> None:
        """Show an event; returns at once, and may never be seen when the place is slow."""
        ...

    async def fetch(self, file: FileRef) -> bytes:
        """The contents of an attached file; raises `FileNotFetched`."""
        ...

    async def before(self) -> Sequence[Message]:
        """What people had written in the thread before the task's own message, oldest first; the newest part
        of it where it is long, and nothing where it can't be read."""
        ...

    async def taken_in(self, message_ts: str) -> None:
        """Tell the writer of a follow-up that the agents have read it."""
        ...

    async def deliver(self, delivery: Delivery) -> None:
        """Say how the task ended, once, however often this is called for the same task; waits while the place
        is away. Raises `NotDelivered` when it is closed to us."""
        ...


class TaskThreads(Protocol):
    """Opens the thread of a task."""

    def open(self, task: Task) -> AbstractAsyncContextManager[Thread]: ...
