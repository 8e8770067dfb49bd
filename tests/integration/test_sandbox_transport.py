"""The ways to a container: the socket, the attach stream, and what is done without either. Needs Docker."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Literal

import pytest

from sandbox.job import Job, Status
from sandbox.owner import Owner
from sandbox.sandbox import Sandbox


@pytest.mark.parametrize("transport", ["socket", "attach"])
async def test_both_ways_to_a_container_carry_everything(
    sandbox_image: str, transport: Literal["socket", "attach"]
) -> None:
    big = os.urandom(3 << 20)
    code = "data = open('in', 'rb').read()\nopen('out', 'wb').write(data[::-1])\nprint('x' * 200_000)"
    async with Sandbox(image=sandbox_image, ready=0, transport=transport) as sandbox:
        run = await sandbox.run(Job(code=code, files={"in": big}))
    assert run.status is Status.OK
    assert run.contents()["out"] == big[::-1]
    assert run.contents()["stdout.txt"] == b"x" * 200_000 + b"\n"


async def test_where_no_socket_can_be_mounted_the_attach_stream_is_used(
    sandbox_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder the engine can't mount, as for a bot that itself lives in a container."""
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    async with Sandbox(image=sandbox_image, ready=0) as sandbox:
        run = await sandbox.run(Job(code="print('fine')"))
    assert run.stdout == "fine\n"
    assert list(long.iterdir()) == []


async def test_where_no_folder_can_be_made_the_attach_stream_is_used(
    sandbox_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "is not there"))
    async with asyncio.timeout(30), Sandbox(image=sandbox_image, ready=0) as sandbox:
        assert (await sandbox.run(Job(code="print(1)"))).stdout == "1\n"


async def test_a_way_to_containers_that_cannot_be_made_is_reported_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "is not there"))
    with pytest.raises(FileNotFoundError):
        async with asyncio.timeout(30), Sandbox(ready=0, transport="socket"):
            pytest.fail("it was entered without a way to containers")


async def test_socket_folders_of_the_dead_are_removed(sandbox_image: str) -> None:
    ours = Owner.this_process()
    dead = Path(tempfile.gettempdir(), f"handoff-sockets-{ours.label}~1")
    living = dead.with_name(f"handoff-sockets-{ours.label}~{ours.birth}")
    for folder in (dead, living):
        (folder / "1").mkdir(parents=True)
    async with Sandbox(image=sandbox_image, ready=0):
        assert [folder.exists() for folder in (dead, living)] == [False, True]
    (living / "1").rmdir()
    living.rmdir()
