"""An engine at the other end of a slow line: a door before the local one that passes few bytes a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox

SOCKET = "/var/run/docker.sock"
PIECE = 64 * 1024
pytestmark = pytest.mark.skipif(not Path(SOCKET).exists(), reason="Docker is not on this machine's socket")


@asynccontextmanager
async def slow_door(path: Path, back_per_second: int) -> AsyncIterator[str]:
    """The address of an engine whose answers come at `back_per_second` bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_engine, to_engine = await asyncio.open_unix_connection(SOCKET)
        with suppress(OSError):
            async with asyncio.TaskGroup() as both:
                both.create_task(_passed(reader, to_engine))
                both.create_task(_passed(from_engine, writer, back_per_second))

    async with await asyncio.start_unix_server(serve, path):
        yield f"unix://{path}"


async def _passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, per_second: int = 0) -> None:
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(len(piece) / per_second if per_second else 0)
    writer.close()


async def test_files_that_take_long_to_arrive_are_not_counted_as_the_programs_time(
    sandbox_image: str, tmp_path: Path
) -> None:
    code = "import os\ncount = open('big', 'wb').write(os.urandom(9_000_000))"
    async with (
        slow_door(tmp_path / "engine", 1_000_000) as address,
        Sandbox(image=sandbox_image, docker_host=address, ready=0, transport="attach") as sandbox,
    ):
        run = await sandbox.run(Job(code=code, timeout=1))
    assert (run.status, len(run.files["big"])) == (Status.OK, 9_000_000), run.sentence
