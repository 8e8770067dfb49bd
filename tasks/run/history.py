"""What a task knows of its thread before it begins: earlier tasks with their workers' reports, files, and the
words of people who had talked there before anybody asked us.

Owns the collecting; how it is told is `tasks.run.opening`'s. Never remembers anything itself.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import select

from agents.conversation import Turn
from agents.excerpt import one_line
from sandbox.workspace import Workspace
from tasks.run.attachments import Attachments
from tasks.run.opening import opening
from tasks.run.thread import Thread
from tasks.store import schema
from tasks.store.database import Database, persistent
from tasks.store.notes import Notes
from tasks.store.tasks import TaskStore
from tasks.task import Task

#: Characters of one worker's report as a later task is told of it.
_REPORT = 600


class History:
    """Collects what a new task is told, as patient as its store."""

    def __init__(self, database: Database, store: TaskStore) -> None:
        self.database = database
        self.patience = store.patience
        self._store = store
        self._notes = Notes(database)

    async def opening(
        self, task: Task, thread: Thread, inbox: Attachments, workspace: Workspace
    ) -> list[Turn]:
        """The conversation up to the request; fetches the files that came with it.

        People's earlier words are read once, when the thread has no task yet: after that every message that
        is for us comes as a task or to one.
        """
        history = await self._store.history(task.thread, task)
        is_new_here = not history and task.thread.ts != task.message_ts
        overheard = await thread.before() if is_new_here else ()
        lines = [f"{said.user_name}: {said.text}" for said in overheard]
        for said in overheard:
            lines += await inbox.put(said.files)
        return opening(
            task,
            history,
            notes=await inbox.put(task.files),
            names=await workspace.names(),
            overheard=lines,
            reports=await self._reports([earlier.id for earlier in history]),
            pinned=await self._notes.of(task.thread.team, task.thread.channel, patience=self.patience),
        )

    @persistent
    async def _reports(self, tasks: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """A line for each worker of these tasks, by task."""
        event = schema.event.c
        query = select(event.task, event.body).where(
            event.task.in_(tasks), event.agent == "", event.kind == "result"
        )
        found: dict[str, list[str]] = defaultdict(list)
        async with self.database.read() as connection:
            for task, body in await connection.execute(query.order_by(event.task, event.seq)):
                if "worker" in body["facts"]:
                    told = json.loads(body["text"])
                    words = one_line(told.get("summary", "(nothing was said)"), _REPORT)
                    found[task].append(f"{body['facts']['worker']['title']} ({told['status']}): {words}")
        return found
