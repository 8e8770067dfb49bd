"""Leaving while the engine is too busy to answer: it is not waited for. Needs Docker."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.sandbox import Sandbox
from tests.integration.test_sandbox_life import containers_of, none_left
from tests.support.command import start_command
from tests.support.engine_proxy import EngineProxy

#: Seconds after which an engine's answer is given up anyway are 60; far fewer are enough to leave without it.
PATIENCE = 40


class Crowded(EngineProxy):
    """A proxy to the engine on which requests are kept waiting once it is full."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._free = asyncio.Event()
        self._free.set()
        self._is_over = False
        self._open: set[asyncio.Task[object] | None] = set()

    def fill(self) -> None:
        self._free.clear()

    async def close(self) -> None:
        """What is kept waiting never comes to the engine."""
        self._is_over = True
        self._free.set()
        for thread in threading.enumerate():
            if thread.name == "sandbox-engine":
                await asyncio.to_thread(thread.join)
        await super().close()
        await asyncio.gather(*filter(None, self._open), return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(asyncio.current_task())
        held = asyncio.StreamReader()

        async def hold() -> None:
            with contextlib.suppress(OSError):
                while chunk := await reader.read(65536):
                    await self._free.wait()
                    if self._is_over:
                        break
                    held.feed_data(chunk)
            held.feed_eof()

        await asyncio.gather(hold(), super()._pass(held, writer))


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[Crowded]:
    leading = Crowded(tmp_path / "docker.sock")
    await leading.open()
    yield leading
    await leading.close()


async def test_a_sandbox_is_left_while_the_engine_is_too_busy(sandbox_image: str, proxy: Crowded) -> None:
    sandbox = Sandbox(image=sandbox_image, docker_host=f"unix://{proxy.path}", ready=2)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(sandbox)
        for _ in range(600):
            if sandbox.idle == 2:
                break
            await asyncio.sleep(0.05)
        proxy.fill()
        async with asyncio.timeout(PATIENCE):
            await stack.aclose()
    assert await none_left(sandbox.owner), "hung up, they end without the engine's being asked"


async def test_a_start_under_way_is_left_too(sandbox_image: str, proxy: Crowded) -> None:
    proxy.fill()
    async with asyncio.timeout(PATIENCE):
        async with Sandbox(image=sandbox_image, docker_host=f"unix://{proxy.path}", ready=2) as sandbox:
            sandbox._entered().fill()
            await asyncio.sleep(0.2)
    assert await containers_of(sandbox.owner) == []


async def test_the_playground_ends_while_the_engine_is_too_busy(
    sandbox_image: str, proxy: Crowded, tmp_path: Path
) -> None:
    environment = {"PATH": os.environ["PATH"], "DOCKER_HOST": f"unix://{proxy.path}", "HANDOFF_PORT": "0"}
    process = await start_command("play", environment={**environment, "HANDOFF_DATA_DIR": str(tmp_path)})
    while b"Ctrl-C stops it." not in (line := await process.stderr.readline()):
        assert line, "it ended"
    proxy.fill()
    await asyncio.sleep(1)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(PATIENCE):
        logged = (await process.communicate())[1].decode()
    assert process.returncode == 0
    assert "Traceback" not in logged
