"""Notes that a task proposes: a person keeps or discards each, and until then it is no note.

A proposal is a value of its task in the key-value store, so that it is deleted with the task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy import delete, select

from tasks.store import schema
from tasks.store.admission import lock_workspace
from tasks.store.database import Database, persistent
from tasks.store.key_value import KeyValueStore, task_namespace
from tasks.store.notes import insert_note
from tasks.task import Task

_PREFIX = "note:"
#: The most notes that one task proposes.
MOST_PROPOSED = 5


class Decided(StrEnum):
    """What became of a proposal at a press."""

    KEPT = "kept"
    DISCARDED = "discarded"
    GONE = "gone"  # it was decided before, or deleted with its task
    FULL = "full"  # the channel has the most notes it may have; the proposal stays open


class NoteProposals:
    """The proposals of all tasks. They wait `patience` seconds for a database that is away."""

    def __init__(self, database: Database, patience: float = 0.0) -> None:
        self.database, self.patience = database, patience
        self._kept = KeyValueStore(database, patience)

    async def propose(self, task: str, text: str) -> bool:
        """Propose a note, the same text once; False when the task has proposed as many as it may."""
        id_ = hashlib.sha256(text.encode()).hexdigest()[:16]
        known = await self.of(task)
        if id_ not in known and len(known) >= MOST_PROPOSED:
            return False
        await self._kept.put(task_namespace(task), _PREFIX + id_, text)
        return True

    async def of(self, task: str) -> Mapping[str, str]:
        """The open proposals of a task, their texts by id."""
        found = await self._kept.all(task_namespace(task))
        return {key.removeprefix(_PREFIX): text for key, text in found.items() if key.startswith(_PREFIX)}

    @persistent
    async def decide(self, task: Task, id_: str, *, keep: bool, user: str, user_name: str) -> Decided:
        """Make a proposal a note of the task's channel, or delete it. Only the first press counts."""
        row = schema.kept.c
        mine = (row.place == task_namespace(task.id)) & (row.name == _PREFIX + id_)
        place = task.thread.team, task.thread.channel
        async with self.database.write() as connection:
            await lock_workspace(connection, task.thread.team)
            text = (await connection.execute(select(row.value).where(mine))).scalar()
            if text is None:
                return Decided.GONE
            writer = {"user": user, "user_name": user_name}
            if keep and await insert_note(connection, *place, text, **writer) is None:
                return Decided.FULL
            await connection.execute(delete(schema.kept).where(mine))
            return Decided.KEPT if keep else Decided.DISCARDED
