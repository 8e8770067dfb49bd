"""The append-only record of one agent, and the messages that reach a running task.

An agent's state is its journal and nothing else: reading it back is how a task is continued in another
process. Owns the protocols; the durable form lives in `tasks`, the one here forgets with the process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agents.conversation import Json


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a journal.

    Kinds: `opening`, `user`, `reply`, `result`, `worker`, `asked`, `context`, `ended`.
    """

    kind: str
    body: Json


class Journal(Protocol):
    """One agent's record. `append` returns only when the entry is safe; it raises `agents.errors.Superseded`
    when another process has gone on with the task."""

    @property
    def entries(self) -> Sequence[Entry]: ...

    async def append(self, kind: str, body: Json) -> None: ...

    async def for_agent(self, agent: str) -> Journal:
        """The journal of a worker of the same task, with all it holds already."""
        ...


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that arrived for a task after it began; `id` is unique within the task."""

    id: str
    text: str


class Inbox(Protocol):
    """Follow-ups and answers for a running task."""

    async def unread(self) -> Sequence[Incoming]:
        """Messages not marked yet, oldest first."""
        ...

    async def answers(self, asked: str) -> Sequence[Incoming]:
        """Those of them that were written while the question of this id was shown."""
        ...

    async def mark(self, ids: Sequence[str]) -> None:
        """Called after the messages are in the journal."""
        ...


class MemoryJournal:
    """A journal that lives as long as the process: for library use and for tests of the loop."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = {"": []}
        self._agent = ""

    @property
    def entries(self) -> Sequence[Entry]:
        return self._entries[self._agent]

    async def append(self, kind: str, body: Json) -> None:
        self._entries[self._agent].append(Entry(kind, body))

    async def for_agent(self, agent: str) -> MemoryJournal:
        child = MemoryJournal()
        child._entries, child._agent = self._entries, agent
        self._entries.setdefault(agent, [])
        return child


class EmptyInbox:
    """For tasks that nobody can write to."""

    async def unread(self) -> Sequence[Incoming]:
        return ()

    async def answers(self, asked: str) -> Sequence[Incoming]:
        return ()

    async def mark(self, ids: Sequence[str]) -> None:
        raise AssertionError(f"nothing was handed out, so nothing can be marked: {ids}")
