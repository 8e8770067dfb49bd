"""Pictures of files in `/work`, shrunk for models, and their content for each request.

A journal has a picture's path and digest only; the shrunk content is in the thread's workspace.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from mimetypes import guess_type

from agents.conversation import ModelReply, Picture, Turn
from agents.errors import ToolFailure
from agents.report import relative_path
from agents.tools import ToolOutput
from sandbox.errors import FileRefused
from sandbox.job import Queue
from sandbox.pictures import ShrunkPicture, shrink
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace

#: Pictures of one request, the newest of the conversation; services take more, and each costs like a page.
MAX_PICTURES = 10


class Pictures:
    """The pictures of one task. `queue`: the person and the task, which take turns for sandboxes."""

    def __init__(self, sandbox: Sandbox, workspace: Workspace, queue: Queue = ()) -> None:
        self._sandbox = sandbox
        self._workspace = workspace
        self._queue = queue

    async def open(self, paths: Sequence[str]) -> list[Picture | str]:
        """The pictures in these files of `/work`; where there is none, the reason in a sentence."""
        present = (await self._workspace.snapshot()).files
        known = [path for path in paths if path in present]
        made = await shrink(self._sandbox, [present[path] for path in known], queue=self._queue)
        shrunk = dict(zip(known, made, strict=True))
        return [await self._keep(path, shrunk.get(path, "does not exist")) for path in paths]

    async def view(self, path: str) -> ToolOutput:
        """The result of a call of `view_image`. Raises `ToolFailure`."""
        [found] = await self.open([relative_path(path)])
        if isinstance(found, str):
            raise ToolFailure(found)
        return ToolOutput(f"[The picture /work/{found.path}]", pictures=(found,), same_as=found.digest)

    async def keep_attached(self, output: ToolOutput, owner: str) -> ToolOutput:
        """A tool's output with its attached files kept in `/work` for `owner`, and its pictures shown."""
        if not output.attached:
            return output
        lines, paths = [output.text], list[str]()
        for name, content in output.attached:
            try:
                paths.append(await self._workspace.add(name, content, owner))
            except FileRefused as refused:
                lines.append(f"[{refused}]")
        shown = [path for path in paths if (guess_type(path)[0] or "").startswith("image/")]
        pictures, problems = split(await self.open(shown) if shown else [])
        lines += [f"[Kept as /work/{path}]" for path in paths] + [f"[{problem}]" for problem in problems]
        facts = output.facts | {"kept": {"files": paths}}
        return replace(output, text="\n".join(lines), facts=facts, pictures=pictures, attached=())

    async def contents(self, turns: Sequence[Turn]) -> Mapping[str, str]:
        """The newest pictures of a conversation as data URLs, by digest."""
        newest: dict[str, Picture] = {}
        for turn in reversed(turns):
            for picture in () if isinstance(turn, ModelReply) else reversed(turn.pictures):
                if len(newest) < MAX_PICTURES:
                    newest.setdefault(picture.digest, picture)
        return await self._read(newest.values())

    async def _read(self, pictures: Iterable[Picture]) -> dict[str, str]:
        found: dict[str, str] = {}
        for picture in pictures:
            try:
                data = await self._workspace.picture(picture.digest)
            except FileRefused:  # another process's folder, or removed with the thread's old files
                continue
            encoded = await asyncio.to_thread(base64.b64encode, data)
            found[picture.digest] = f"data:{picture.media_type};base64,{encoded.decode()}"
        return found

    async def _keep(self, path: str, found: ShrunkPicture | str) -> Picture | str:
        if isinstance(found, str):
            return f"/work/{path} {found}."
        try:
            digest = await self._workspace.keep_picture(found.data)
        except FileRefused as refused:
            return f"/work/{path} can't be shown: {refused}"
        return Picture(path, digest, found.media_type, found.width, found.height)


def split(found: Iterable[Picture | str]) -> tuple[tuple[Picture, ...], list[str]]:
    """The pictures, and the reasons for those that there are not."""
    both = list(found)
    return tuple(p for p in both if isinstance(p, Picture)), [why for why in both if isinstance(why, str)]
