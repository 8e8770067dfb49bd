"""A thread's files on the host: kept, limited, and never outside their folder."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from sandbox.errors import FileRefused
from sandbox.limits import SandboxLimits
from sandbox.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "thread")


async def test_what_is_kept_comes_back(workspace: Workspace) -> None:
    assert await workspace.files() == {}
    assert await workspace.keep({"a.txt": b"a", "deep/er/b.bin": b"\0\1"}) == ()
    assert await workspace.files() == {"a.txt": b"a", "deep/er/b.bin": b"\0\1"}
    assert await workspace.keep({"a.txt": b"new"}, removed=["deep/er/b.bin"]) == ()
    assert await workspace.sizes() == {"a.txt": 3}
    assert not (workspace.folder / "deep").exists()


async def test_an_added_file_gets_a_name_of_its_own(workspace: Workspace) -> None:
    assert await workspace.add("../report.csv", b"1") == "report.csv"
    assert await workspace.add("report.csv", b"2") == "report-2.csv"
    assert await workspace.read("report-2.csv") == b"2"


async def test_a_part_of_a_file_can_be_read(workspace: Workspace) -> None:
    await workspace.add("a", b"0123456789")
    assert await workspace.read("a", 3, 4) == b"3456"
    assert await workspace.read("a", 20) == b""
    assert await workspace.read("a", -5, 2) == b"01"


@pytest.mark.parametrize(
    "path", ["none", "../outside", "/etc/passwd", "folder", "link", "linked/secret", "", "a\0b"]
)
async def test_only_files_inside_can_be_read(workspace: Workspace, tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    await workspace.keep({"folder/a": b""})
    (workspace.folder / "link").symlink_to(outside / "secret")
    (workspace.folder / "linked").symlink_to(outside)
    with pytest.raises(FileRefused, match="no file"):
        await workspace.read(path)


async def test_nothing_is_written_or_removed_through_a_link(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").write_text("keep")
    workspace.folder.mkdir()
    (workspace.folder / "linked").symlink_to(outside)
    (workspace.folder / "file").symlink_to(outside / "keep")
    notes = await workspace.keep({"linked/new": b"x", "file": b"x"}, removed=["linked/keep"])
    assert len(notes) == 1
    assert "linked/new was not kept" in notes[0]
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"keep": "keep"}
    assert await workspace.files() == {"file": b"x"}


async def test_special_files_are_not_taken(workspace: Workspace) -> None:
    await workspace.add("a", b"a")
    os.mkfifo(workspace.folder / "pipe")
    assert await workspace.files() == {"a": b"a"}
    with pytest.raises(FileRefused):
        await workspace.read("pipe")


async def test_a_half_written_file_is_not_seen(workspace: Workspace) -> None:
    await workspace.add("a", b"a")
    (workspace.folder / ".handoff-half-12").write_bytes(b"ha")
    assert await workspace.names() == ["a"]


async def test_limits_are_told_in_sentences(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, limits=SandboxLimits(input_count=2, input_bytes=10))
    notes = await workspace.keep({"a": b"12345", "big": b"123456", "b": b"1", "c": b"", "bad\n": b""})
    assert await workspace.names() == ["a", "b"]
    assert notes == (
        "big was not kept: 10 bytes is the limit of a thread.",
        "c was not kept: 2 files is the limit of a thread.",
        "'bad\\n' was not kept: a file in /work can't have that name.",
    )
    assert await workspace.keep({"a": b"123456789"}) == ()
    with pytest.raises(FileRefused, match="2 files is the limit"):
        await workspace.add("more", b"")


async def test_a_file_where_a_folder_is_becomes_a_note(workspace: Workspace) -> None:
    await workspace.keep({"a/b": b"1", "c": b"2"})
    notes = await workspace.keep({"a": b"x", "c/d": b"x"})
    assert len(notes) == 2
    assert await workspace.files() == {"a/b": b"1", "c": b"2"}
    assert not list(workspace.folder.rglob(".handoff-half-*"))


async def test_workers_of_one_thread_may_write_at_the_same_time(workspace: Workspace) -> None:
    await asyncio.gather(*(workspace.keep({"same": bytes([n]) * 1000, f"own-{n}": b"x"}) for n in range(8)))
    files = await workspace.files()
    assert len(files) == 9
    assert len(set(files["same"])) == 1, "two writers were mixed in one file"
