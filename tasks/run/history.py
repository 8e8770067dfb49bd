"""Collects a new task's context: its thread's earlier tasks and messages, workers' reports, files and notes.

The text of the first turn is made of it by `tasks.run.opening`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

from sqlalchemy import select

from agents.conversation import Turn
from agents.model.pictures import MAX_PICTURES
from sandbox.workspace import Workspace
from tasks.message import Message
from tasks.run.attachments import Attached, Attachments
from tasks.run.opening import MESSAGE_LIMIT, format_time, opening
from tasks.run.thread import Thread
from tasks.store import schema
from tasks.store.database import Database, persistent
from tasks.store.notes import ChannelNotes
from tasks.store.tasks import TaskStore
from tasks.task import Task
from text.excerpt import excerpt, one_line

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
        """The conversation up to the request; fetches the files attached to it, and those attached in the
        thread since its last task."""
        history = await self._store.history(task.thread, task)
        around = await thread.surroundings(history)
        attached = [await inbox.put(message.files, quiet=True) for message in around.messages]
        files = task.files
        if around.files:
            files = await self._store.complete(task, around.files)
        requested = await inbox.put(files)
        pictures = list(chain.from_iterable(one.pictures for one in attached))
        return opening(
            task,
            history,
            attached=replace(requested, lines=[*requested.lines, *(f"[{p}]" for p in workspace.problems)]),
            sizes=await workspace.sizes(),
            around=around,
            before=[_said(*pair, around.zone) for pair in zip(around.messages, attached, strict=True)],
            pictures_before=tuple(pictures[-MAX_PICTURES:]),
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


def _said(message: Message, attached: Attached, zone: str) -> str:
    """A message with name and time; further lines are indented, so that none looks like another's."""
    when = format_time(float(message.ts), zone, "%Y-%m-%d %H:%M")
    lines = [*excerpt(message.text, MESSAGE_LIMIT).splitlines(), *attached.lines]
    return "\n  ".join([f"{message.user_name} ({when}): {lines[0] if lines else ''}".rstrip(), *lines[1:]])
