"""The inbox of a running task: its messages, with their attached files fetched into `/work`."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from agents.conversation import Picture
from agents.journal import Incoming
from agents.model.pictures import MAX_PICTURES, Pictures, split
from sandbox.errors import FileRefused
from sandbox.workspace import Workspace
from tasks.message import FileRef
from tasks.run.thread import FileNotFetched, Thread
from tasks.store.rows import InboxItem
from tasks.store.tasks import TaskStore
from tasks.task import Task
from text.excerpt import excerpt

log = structlog.get_logger(__name__)

#: Characters of a clip's transcript that an agent gets at once.
_TRANSCRIPT = 8_000
_MORE = "[{count} more of these pictures are not shown. See one with view_image if it matters.]"


@dataclass(frozen=True, slots=True)
class Attached:
    """Attached files, as an agent gets them."""

    lines: Sequence[str]
    """A line for each file: its path, or why it was not fetched; and about pictures that are not shown."""
    pictures: tuple[Picture, ...] = ()


class Attachments:
    """One task's inbox (an `agents.journal.Inbox`)."""

    def __init__(
        self, store: TaskStore, task: Task, workspace: Workspace, thread: Thread, pictures: Pictures
    ) -> None:
        self._store = store
        self._task = task
        self._workspace = workspace
        self._thread = thread
        self._pictures = pictures
        # By message: an answer is read by the tool that asked, and once more before it is marked as read.
        self._attached: dict[str, Attached] = {}

    async def put(self, files: Sequence[FileRef], *, quiet: bool = False) -> Attached:
        """Fetch the files of one message into `/work`, and open the pictures among them. The thread says what
        could not be fetched, unless `quiet`."""
        lines, paths = list[str](), list[str]()
        for file in files:
            try:
                data = await self._thread.fetch(file, quiet=quiet)
                path = await self._workspace.add(file.name, data)
            except (FileNotFetched, FileRefused) as reason:
                log.warning("attachment not fetched", file=file.name, why=str(reason))
                lines.append(f"[The attached file {file.name} could not be fetched: {reason}]")
            else:
                lines.append(f"[Attached file: /work/{path}, {file.size:,} bytes]")
                paths += [path] if _is_picture(path) else []
            lines += filter(None, [await self._transcript(file)])
        pictures, problems = split(await self._pictures.open(paths[:MAX_PICTURES]))
        lines += [f"[{problem}]" for problem in problems]
        if len(paths) > MAX_PICTURES:
            lines.append(_MORE.format(count=len(paths) - MAX_PICTURES))
        return Attached(lines, pictures)

    async def _transcript(self, file: FileRef) -> str:
        """What is said in a clip; of much, the beginning and a file."""
        said = await self._thread.transcript(file)
        if len(said) <= _TRANSCRIPT:
            return said
        try:
            path = await self._workspace.add(f"{file.name}.txt", said.encode())
        except FileRefused as reason:
            log.warning("transcript not kept", file=file.name, why=str(reason))
            return excerpt(said, _TRANSCRIPT)
        return f"{said[:_TRANSCRIPT]} …\n[The whole transcript: /work/{path}, {len(said):,} characters]"

    async def unread(self) -> Sequence[Incoming]:
        return await self._incoming(await self._store.unread(self._task.id))

    async def answers(self, asked: str) -> Sequence[Incoming]:
        return await self._incoming(await self._store.unread(self._task.id, asked=asked))

    async def _incoming(self, items: Sequence[InboxItem]) -> Sequence[Incoming]:
        return [await self._one(item) for item in items]

    async def _one(self, item: InboxItem) -> Incoming:
        if (attached := self._attached.get(item.id)) is None:
            attached = self._attached[item.id] = await self.put(item.files)
        text = "\n".join([f"{item.user_name}: {item.text}", *attached.lines])
        return Incoming(item.id, text, attached.pictures)

    async def mark(self, ids: Sequence[str]) -> None:
        await self._store.mark_read(self._task.id, ids)
        for id_ in ids:
            await self._thread.mark_read(id_)


def _is_picture(path: str) -> bool:
    """By its name. SVG is text, which an agent reads as such."""
    kind = mimetypes.guess_type(path)[0] or ""
    return kind.startswith("image/") and kind != "image/svg+xml"
