"""A Unix socket proxy to the real Docker Engine, which a test can close or slow down."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path


class EngineProxy:
    """A proxy. Closing it looks like an engine that stops."""

    #: The most bytes per second from the engine; 0 for no limit.
    back_per_second = 0

    def __init__(self, path: Path) -> None:
        self.path = path
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.StreamWriter] = set()
        self._answers = asyncio.Event()
        self._answers.set()

    async def open(self) -> None:
        self._server = await asyncio.start_unix_server(self._pass, self.path)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._passing):
            writer.transport.abort()
        await self._server.wait_closed()
        self.path.unlink(missing_ok=True)

    def hang(self) -> None:
        """Break what is under way, and take connections without an answer until `wake`."""
        self._answers.clear()
        for writer in list(self._passing):
            writer.transport.abort()

    def wake(self) -> None:
        self._answers.set()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answers.wait()
        engine_reader, engine_writer = await asyncio.open_unix_connection("/var/run/docker.sock")
        self._passing |= {writer, engine_writer}
        back = _copy(engine_reader, writer, self.back_per_second)
        await asyncio.gather(_copy(reader, engine_writer), back)
        self._passing -= {writer, engine_writer}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, per_second: int = 0) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(len(chunk) / per_second if per_second else 0)
    writer.close()
