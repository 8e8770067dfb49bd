"""The inbox of a running task: its messages, with their attached files fetched into `/work`."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from agents.journal import Incoming
from sandbox.errors import FileRefused
from sandbox.workspace import Workspace
from tasks.message import FileRef
from tasks.run.thread import FileNotFetched, Thread
from tasks.store.rows import InboxItem
from tasks.store.tasks import TaskStore
from tasks.task import Task

log = structlog.get_logger(__name__)


class Attachments:
    """One task's inbox (an `agents.journal.Inbox`)."""

    def __init__(self, store: TaskStore, task: Task, workspace: Workspace, thread: Thread) -> None:
        self._store = store
        self._task = task
        self._workspace = workspace
        self._thread = thread
        # By message: an answer is read by the tool that asked, and once more before it is marked as read.
        self._lines: dict[str, list[str]] = {}

    async def put(self, files: Sequence[FileRef]) -> list[str]:
        """Fetch files into `/work`; returns a line for each: its path, or why it was not fetched."""
        return [await self._put(file) for file in files]

    async def unread(self) -> Sequence[Incoming]:
        return await self._incoming(await self._store.unread(self._task.id))

    async def answers(self, asked: str) -> Sequence[Incoming]:
        return await self._incoming(await self._store.unread(self._task.id, asked=asked))

    async def _incoming(self, items: Sequence[InboxItem]) -> Sequence[Incoming]:
        for item in items:
            if item.id not in self._lines:
                self._lines[item.id] = await self.put(item.files)
        return [
            Incoming(item.id, "\n".join([f"{item.user_name}: {item.text}", *self._lines[item.id]]))
            for item in items
        ]

    async def mark(self, ids: Sequence[str]) -> None:
        await self._store.mark_read(self._task.id, ids)
        for id_ in ids:
            await self._thread.mark_read(id_)

    async def _put(self, file: FileRef) -> str:
        try:
            path = await self._workspace.add(file.name, await self._thread.fetch(file))
        except (FileNotFetched, FileRefused) as reason:
            log.warning("attachment not fetched", file=file.name, why=str(reason))
            return f"[The attached file {file.name} could not be fetched: {reason}]"
        return f"[Attached file: /work/{path}, {file.size:,} bytes]"
