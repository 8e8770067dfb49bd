"""The journal of an agent (an append-only log) and the inbox of a running task.

The journal is an agent's whole state: another process continues a task by reading it. `tasks` has the
durable implementation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agents.conversation import Json, Picture


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a journal.

    Kinds: `opening`, `user`, `reply`, `result`, `worker`, `asked`, `context`, `ended`.
    """

    kind: str
    body: Json


class Journal(Protocol):
    """One agent's log. `append` returns when the entry is durable; it raises `agents.errors.Superseded` when
    another process has taken the task over."""

    @property
    def entries(self) -> Sequence[Entry]: ...

    @property
    def agents(self) -> Mapping[str, Sequence[Entry]]:
        """Every agent's entries: the orchestrator under "", workers under their names."""
        ...

    async def append(self, kind: str, body: Json) -> None: ...

    async def for_agent(self, agent: str) -> Journal:
        """The journal of a worker of the same task."""
        ...


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message to a running task; `id` is unique within the task."""

    id: str
    text: str
    pictures: tuple[Picture, ...] = ()


class Inbox(Protocol):
    """Follow-ups and answers for a running task."""

    async def unread(self) -> Sequence[Incoming]:
        """Messages that are not marked as read, oldest first."""
        ...

    async def answers(self, asked: str) -> Sequence[Incoming]:
        """The unread messages that were written while the question with this id was open."""
        ...

    async def mark(self, ids: Sequence[str]) -> None:
        """Mark messages as read; they are in the journal now."""
        ...


class MemoryJournal:
    """A journal in memory, for use as a library and for tests."""

    def __init__(self) -> None:
        self._entries: dict[str, list[Entry]] = {"": []}
        self._agent = ""

    @property
    def entries(self) -> Sequence[Entry]:
        return self._entries[self._agent]

    @property
    def agents(self) -> Mapping[str, Sequence[Entry]]:
        return self._entries

    async def append(self, kind: str, body: Json) -> None:
        self._entries[self._agent].append(Entry(kind, body))

    async def for_agent(self, agent: str) -> MemoryJournal:
        child = MemoryJournal()
        child._entries, child._agent = self._entries, agent
        self._entries.setdefault(agent, [])
        return child


class EmptyInbox:
    """The inbox of an agent without people."""

    async def unread(self) -> Sequence[Incoming]:
        return ()

    async def answers(self, asked: str) -> Sequence[Incoming]:
        return ()

    async def mark(self, ids: Sequence[str]) -> None:
        raise AssertionError(f"there are no messages to mark: {ids}")
