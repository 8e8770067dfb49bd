"""The host's end of the file exchange: sends the files that a program opens, receives those it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Callable
from typing import BinaryIO, TypeGuard

from sandbox.errors import ContainerLost, FileRefused
from sandbox.files import SandboxFile, Spool
from sandbox.image.supervisor import frames
from sandbox.job import Job
from sandbox.limits import SandboxLimits
from sandbox.stream import FrameStream

#: Files up to this size go with the job, since asking for one later costs more than sending it.
SENT_AT_ONCE = 16 * 1024
_SPARE = 1 << 20


class FileExchange:
    """The files of one run."""

    def __init__(self, stream: FrameStream, job: Job, limits: SandboxLimits) -> None:
        self.results: list[tuple[str, SandboxFile]] = []
        """Names as the container sent them, not sanitized."""
        self._stream = stream
        self._limits = limits
        self._inputs = [
            (name, content if isinstance(content, SandboxFile) else SandboxFile.of(content))
            for name, content in job.files.items()
        ]
        self._folders = job.folders
        self._unsent: set[int] = set()
        self._spool = Spool()
        self._received = 0

    async def announce(self) -> None:
        """Send the manifest and the small files."""
        if not self._inputs and not self._folders:
            return
        small = await asyncio.to_thread(self._read_small)
        files = [(name, file.size, file.mode, file.modified) for name, file in self._inputs]
        await self._stream.send(frames.MANIFEST, frames.packed({"files": files, "folders": self._folders}))
        for name, content in small.items():
            await self._stream.send(frames.FILE, frames.named(name, content))
        self._unsent = {number for number, (name, _) in enumerate(self._inputs) if name not in small}

    async def send(self, payload: bytes) -> None:
        """Answer the supervisor, which asks for a file that the program opens."""
        number = int.from_bytes(payload, "big")
        if number not in self._unsent:
            raise ContainerLost("The container asked for a file that is not in its manifest, or twice.")
        self._unsent.remove(number)
        _, file = self._inputs[number]
        try:
            with await asyncio.to_thread(file.open) as content:
                if self._stream.passes_descriptors and (descriptor := _descriptor(content)) is not None:
                    await self._stream.send_descriptor(frames.DESCRIPTOR, descriptor)
                else:
                    await self._send_pieces(content, file.size)
        except FileRefused as refused:
            await self._stream.send(frames.MISSING, str(refused).encode())

    async def receive(self, payload: bytes) -> None:
        """Take one file that the program left."""
        header = parsed(payload)
        name, size, modified, original = (header.get(k) for k in ("name", "size", "modified", "copy_of"))
        if not isinstance(name, str) or not _is_natural(size) or not _is_natural(modified):
            raise ContainerLost("The container sent a file without a proper name, size and time.")
        if len(self.results) >= self._limits.artifacts_count:
            raise ContainerLost("The container sent more files than the limit.")
        if _is_natural(original) and original < len(self._inputs):
            _, file = self._inputs[original]
            size, source = file.size, file.open
        else:
            source = await self._receive_pieces(size)
        executable = header.get("executable") is True
        self.results.append(
            (name, SandboxFile(size=size, open=source, executable=executable, modified=modified))
        )

    async def _send_pieces(self, content: BinaryIO, size: int) -> None:
        while size > 0:
            piece = await asyncio.to_thread(content.read, min(size, frames.PIECE_BYTES))
            if not piece:
                raise FileRefused("it became shorter while it was read")
            await self._stream.send(frames.PIECE, piece)
            size -= len(piece)

    async def _receive_pieces(self, size: int) -> Callable[[], BinaryIO]:
        self._received += size
        if size > self._limits.artifact_bytes or self._received > self._limits.artifacts_bytes + _SPARE:
            raise ContainerLost("The container sent more bytes of files than the limit.")
        left = size
        while left:
            kind, piece = await self._stream.receive(frames.PIECE_BYTES)
            if kind != frames.PIECE or not 0 < len(piece) <= left:
                raise ContainerLost("The container sent a file that does not have the size it announced.")
            self._spool.write(piece)
            left -= len(piece)
        return self._spool.part(size)

    def _read_small(self) -> dict[str, bytes]:
        """The contents that go with the job. Files that are gone by now are taken off the manifest."""
        contents: dict[str, bytes] = {}
        gone: set[str] = set()
        for name, file in self._inputs:
            if file.size <= SENT_AT_ONCE:
                try:
                    contents[name] = file.read()
                except FileRefused:
                    gone.add(name)
        self._inputs = [(name, file) for name, file in self._inputs if name not in gone]
        return contents


def parsed(payload: bytes) -> dict[str, object]:
    """The JSON object of a frame; raises ContainerLost when it is none."""
    try:
        return frames.parse_packed(payload)
    except (ValueError, RecursionError) as error:
        raise ContainerLost(f"The container sent a broken record: {error}.") from error


def _is_natural(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 1 << 62


def _descriptor(content: BinaryIO) -> int | None:
    with contextlib.suppress(io.UnsupportedOperation):
        return content.fileno()
    return None
