"""The host's end of the connections that a program opens: streams of bytes over the stream of its call."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Self

from sandbox.errors import ContainerLost
from sandbox.image.supervisor import frames
from sandbox.stream import FrameStream

_log = logging.getLogger(__name__)

_NUMBER = 4
#: As many as the supervisor keeps open, and some that are about to end.
_MOST = 512
_GRANT_BYTES = frames.WINDOW // 4


class ConnectionReset(Exception):
    """The program has dropped the connection."""


class ProgramConnection:
    """One connection of a program, which listens to what `send` writes and answers by `receive`."""

    def __init__(self, stream: FrameStream, number: bytes) -> None:
        self._stream = stream
        self._number = number
        self._arrived: deque[bytes] = deque()
        self._held = 0
        self._taken = 0
        self._credit = frames.WINDOW
        self._ended = self._reset = self._has_ended = False
        self._changed = asyncio.Event()

    async def receive(self) -> bytes:
        """What the program has sent next; empty once it sends no more. Raises `ConnectionReset`."""
        while not self._arrived:
            if self._reset:
                raise ConnectionReset
            if self._ended:
                return b""
            await self._change()
        piece = self._arrived.popleft()
        self._held -= len(piece)
        self._taken += len(piece)
        if self._taken >= _GRANT_BYTES:
            taken, self._taken = self._taken, 0
            await self._stream.send(frames.GRANTED, self._number + taken.to_bytes(4, "big"))
        return piece

    async def send(self, data: bytes) -> None:
        """Send everything, as fast as the program takes it. Raises `ConnectionReset`."""
        view = memoryview(data)
        while view:
            while not self._credit and not self._reset:
                await self._change()
            if self._reset:
                raise ConnectionReset
            piece = view[: min(self._credit, frames.CHUNK)]
            self._credit -= len(piece)
            view = view[len(piece) :]
            await self._stream.send(frames.CARRIED, self._number + piece)

    async def end(self) -> None:
        """Send no more; the program reads the end of the stream."""
        self._has_ended = True
        await self._stream.send(frames.HALF_CLOSED, self._number)

    async def close(self, *, whole: bool) -> None:
        """End the stream unless it has ended, or drop the connection where it is not `whole`."""
        if not whole:
            await self._stream.send(frames.RESET, self._number)
        elif not self._has_ended:
            await self.end()

    def take(self, kind: bytes, payload: bytes) -> None:
        """Take a frame of this connection; ContainerLost when it breaks the protocol."""
        if kind == frames.CARRIED:
            self._held += len(payload)
            if self._held > frames.WINDOW or self._ended:
                raise ContainerLost("The container sent more of a connection than it may.")
            self._arrived.append(payload)
        elif kind == frames.GRANTED:
            self._credit = min(self._credit + int.from_bytes(payload, "big"), frames.WINDOW)
        elif kind == frames.HALF_CLOSED:
            self._ended = True
        else:
            self._reset = True
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


OnConnection = Callable[[ProgramConnection], Awaitable[None]]
"""Serves one connection to its end."""


class ProgramConnections:
    """All connections of one call, each served by a task that ends with the `async with` block."""

    def __init__(self, stream: FrameStream, serve: OnConnection) -> None:
        self._stream = stream
        self._serve = serve
        self._open: dict[bytes, ProgramConnection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        # Not a TaskGroup, which would put an error of the call itself into a group of errors.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, kind: bytes, payload: bytes) -> bool:
        """Take a frame of a connection, without waiting; False when it is of another kind.

        Raises ContainerLost when the container breaks the protocol.
        """
        if kind == frames.OPENED:
            self._begin(payload)
        elif kind not in frames.OF_CONNECTIONS:
            return False
        elif (connection := self._open.get(payload[:_NUMBER])) is not None:
            connection.take(kind, payload[_NUMBER:])
        return True

    def _begin(self, number: bytes) -> None:
        if len(number) != _NUMBER or int.from_bytes(number, "big") <= self._last or len(self._open) >= _MOST:
            raise ContainerLost("The container opened a connection that it may not open.")
        self._last = int.from_bytes(number, "big")
        self._open[number] = connection = ProgramConnection(self._stream, number)
        task = asyncio.create_task(self._served(number, connection), name="serve a program's connection")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _served(self, number: bytes, connection: ProgramConnection) -> None:
        whole = False
        try:
            await self._serve(connection)
            whole = True
        except ConnectionReset:
            return
        except ContainerLost:  # the call itself reads the same stream, and reports it
            return
        except Exception:  # noqa: BLE001 a fault of ours must end one connection, and not the program
            _log.exception("serving a program's connection failed")
        finally:
            del self._open[number]
        with contextlib.suppress(ContainerLost):
            await connection.close(whole=whole)
