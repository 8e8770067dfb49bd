"""Collects a new task's context: its thread's earlier tasks and messages, workers' reports, files and notes.

The text of the first turn is made of it by `tasks.run.opening`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain

from sqlalchemy import select

from agents.conversation import Turn
from sandbox.workspace import Workspace
from tasks.run.attachments import Attachments
from tasks.run.opening import opening
from tasks.run.thread import Thread
from tasks.store import schema
from tasks.store.database import Database, persistent
from tasks.store.notes import ChannelNotes
from tasks.store.tasks import TaskStore
from tasks.task import Task
from text.excerpt import one_line

#: Characters of a worker's report in the first turn of a later task.
_REPORT = 600


class History:
    """Reads with the `patience` of its store."""

    def __init__(self, database: Database, store: TaskStore) -> None:
        self.database = database
        self.patience = store.patience
        self._store = store
        self._notes = ChannelNotes(database)

    async def opening(
        self, task: Task, thread: Thread, inbox: Attachments, workspace: Workspace
    ) -> list[Turn]:
        """The conversation up to the request; fetches the files attached to it.

        The thread's earlier messages are read for its first task only: later ones arrive as tasks or
        follow-ups.
        """
        history = await self._store.history(task.thread, task)
        is_first = not history and task.thread.ts != task.message_ts
        before = await thread.before() if is_first else ()
        lines = [f"{message.user_name}: {message.text}" for message in before]
        attached = [await inbox.put(message.files) for message in before]
        return opening(
            task,
            history,
            attached=await inbox.put(task.files),
            names=await workspace.names(),
            before=[*lines, *chain.from_iterable(one.lines for one in attached)],
            pictures_before=tuple(chain.from_iterable(one.pictures for one in attached)),
            reports=await self._reports([earlier.id for earlier in history]),
            pinned=await self._notes.of(task.thread.team, task.thread.channel, patience=self.patience),
        )

    @persistent
    async def _reports(self, tasks: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """One line per worker of these tasks, by task."""
        event = schema.event.c
        query = select(event.task, event.body).where(
            event.task.in_(tasks), event.agent == "", event.kind == "result"
        )
        found: dict[str, list[str]] = defaultdict(list)
        async with self.database.read() as connection:
            for task, body in await connection.execute(query.order_by(event.task, event.seq)):
                if "worker" in body["facts"]:
                    report = json.loads(body["text"])
                    words = one_line(report.get("summary", "(no summary)"), _REPORT)
                    found[task].append(f"{body['facts']['worker']['title']} ({report['status']}): {words}")
        return found
