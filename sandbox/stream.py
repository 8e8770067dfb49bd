"""The host's end of the stream to one container's supervisor: frames of bounded length."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from sandbox.errors import ContainerLost
from sandbox.image.supervisor import frames

_ENGINE_HEADER = 8  # one byte says which stream, three are zero, four are the length
_STDOUT = 1
_CHUNK = 1 << 20  # far above what the engine puts in one piece (32 KiB)
_DIAGNOSIS = 4096


class FrameStream:
    """Frames over a connected socket.

    `mixed`: it is an attach stream, in which the engine puts its own header before each piece of the
    supervisor's stdout or stderr.
    """

    def __init__(
        self,
        connected: socket.socket,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        mixed: bool,
    ) -> None:
        self._socket = connected
        self._reader = reader
        self._writer = writer
        self._mixed = mixed
        # So that `drain` returns when everything is written, and a descriptor goes with its own frame.
        writer.transport.set_write_buffer_limits(high=0)
        self._sending = asyncio.Lock()
        self._buffer = bytearray()
        self._said = bytearray()

    @classmethod
    async def over(cls, connected: socket.socket, *, mixed: bool) -> FrameStream:
        connected.setblocking(False)
        try:
            reader, writer = await asyncio.open_connection(sock=connected)
        except BaseException:
            connected.close()
            raise
        return cls(connected, reader, writer, mixed=mixed)

    @property
    def diagnosis(self) -> str:
        """The end of what the supervisor or the runtime wrote on stderr."""
        return self._said.decode("utf-8", "replace").strip()

    @property
    def passes_descriptors(self) -> bool:
        """Whether `send_descriptor` works: the other end is on this machine's kernel."""
        return not self._mixed

    @property
    def at_end(self) -> bool:
        """Whether the other end has closed and everything it sent was read."""
        return self._reader.at_eof()

    async def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Write one frame; ContainerLost when the other end is closed."""
        try:
            async with self._sending:
                self._writer.write(frames.frame(kind, payload))
                await self._writer.drain()
        except OSError as error:
            raise ContainerLost(f"The stream to the container broke: {error}.") from error

    async def send_descriptor(self, kind: bytes, descriptor: int) -> None:
        """Write an empty frame with an open file, once the container has read everything before it."""
        try:
            async with self._sending:
                socket.send_fds(self._socket, [frames.frame(kind)], [descriptor])
        except OSError as error:
            raise ContainerLost(f"The stream to the container broke: {error}.") from error

    async def receive(self, longest: int) -> tuple[bytes, bytes]:
        """Wait for one frame of at most `longest` bytes of payload."""
        kind, length = frames.header(await self._exactly(frames.HEADER))
        if length > longest:
            raise ContainerLost(f"The container sent a frame of {length} bytes; {longest} are allowed.")
        return kind, await self._exactly(length)

    def finish(self) -> None:
        """Close our direction; the other end can still send, and close."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def closed(self) -> None:
        """Read and drop everything until the container's end closes."""
        with contextlib.suppress(OSError):
            while await self._reader.read(_CHUNK):
                pass

    def close(self) -> None:
        """Close the stream, upon which the supervisor ends."""
        self._writer.close()

    async def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._pull()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def _pull(self) -> None:
        try:
            if self._mixed:
                await self._pull_mixed()
            elif chunk := await self._reader.read(_CHUNK):
                self._buffer += chunk
            else:
                raise EOFError
        except (OSError, EOFError) as error:
            raise ContainerLost(f"The container ended before it sent its result. {self.diagnosis}") from error

    async def _pull_mixed(self) -> None:
        header = await self._reader.readexactly(_ENGINE_HEADER)
        length = int.from_bytes(header[4:], "big")
        if length > _CHUNK:
            raise ContainerLost(f"The engine announced a piece of {length} bytes, {_CHUNK} at most is usual.")
        chunk = await self._reader.readexactly(length)
        if header[0] == _STDOUT:
            self._buffer += chunk
        else:
            self._said = (self._said + chunk)[-_DIAGNOSIS:]
