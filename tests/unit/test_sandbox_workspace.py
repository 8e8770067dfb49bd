"""A thread's files on the host: kept, limited, and never outside their folder."""

from __future__ import annotations

import asyncio
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.errors import FileRefused
from sandbox.files import SandboxFile
from sandbox.job import Run, Status
from sandbox.limits import SandboxLimits
from sandbox.workspace import Workspace
from tests.support.sandboxes import contents, left


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "thread")


async def test_what_is_kept_comes_back(workspace: Workspace) -> None:
    assert await contents(workspace) == {}
    assert (await left(workspace, {"a.txt": b"a", "deep/er/b.bin": b"\0\1"})).notes == ()
    assert await contents(workspace) == {"a.txt": b"a", "deep/er/b.bin": b"\0\1"}
    assert (await left(workspace, {"a.txt": b"new"}, removed=["deep/er/b.bin"])).notes == ()
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
    await left(workspace, {"folder/a": b""})
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
    notes = (await left(workspace, {"linked/new": b"x", "file": b"x"}, removed=["linked/keep"])).notes
    assert len(notes) == 1
    assert "linked/new was not kept" in notes[0]
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"keep": "keep"}
    assert await contents(workspace) == {"file": b"x"}


async def test_special_files_are_not_taken(workspace: Workspace) -> None:
    await workspace.add("a", b"a")
    os.mkfifo(workspace.folder / "pipe")
    assert await contents(workspace) == {"a": b"a"}
    with pytest.raises(FileRefused):
        await workspace.read("pipe")


async def test_a_half_written_file_is_not_seen(workspace: Workspace) -> None:
    await workspace.add("a", b"a")
    (workspace.folder / ".handoff-half-12").write_bytes(b"ha")
    assert await workspace.names() == ["a"]


async def test_limits_are_reported_in_sentences(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, limits=SandboxLimits(input_count=2, input_bytes=10))
    notes = (
        await left(workspace, {"a": b"12345", "big": b"123456", "b": b"1", "c": b"", "bad\n": b""})
    ).notes
    assert await workspace.names() == ["a", "b"]
    assert notes == (
        "big was not kept: 10 bytes is the limit of a thread.",
        "c was not kept: 2 files is the limit of a thread.",
        "'bad\\n' was not kept: a file in /work can't have that name.",
    )
    assert (await left(workspace, {"a": b"123456789"})).notes == ()
    with pytest.raises(FileRefused, match="2 files is the limit"):
        await workspace.add("more", b"")


async def test_a_file_where_a_folder_is_becomes_a_note(workspace: Workspace) -> None:
    await left(workspace, {"a/b": b"1", "c": b"2"})
    notes = (await left(workspace, {"a": b"x", "c/d": b"x"})).notes
    assert len(notes) == 2
    assert await contents(workspace) == {"a/b": b"1", "c": b"2"}
    assert not list(workspace.folder.rglob(".handoff-half-*"))


async def test_programs_that_write_one_name_at_once_all_keep_their_file(
    workspace: Workspace,
) -> None:
    before = await workspace.snapshot()
    kept = await asyncio.gather(
        *(left(workspace, {"same": bytes([n]) * 1000}, owner=f"w{n % 3}", since=before) for n in range(8))
    )
    files = await contents(workspace)
    assert sorted(files) == ["same", *(f"same-{n}" for n in range(2, 9))]
    assert {content[:1] for content in files.values()} == {bytes([n]) for n in range(8)}
    assert all(len(set(content)) == 1 for content in files.values()), "two writers were mixed in one file"
    assert sorted(name for one in kept for name in one.files) == sorted(files)
    assert sum(len(one.notes) for one in kept) == 7


async def test_a_worker_replaces_its_own_file_but_not_another_worker_s(workspace: Workspace) -> None:
    await left(workspace, {"plot.png": b"1"}, owner="w1")
    assert (await left(workspace, {"plot.png": b"2"}, owner="w1")).files == ("plot.png",)
    kept = await left(workspace, {"plot.png": b"3"}, owner="w2")
    assert kept.files == ("plot-2.png",)
    assert kept.notes == ("Your plot.png was kept as /work/plot-2.png: /work/plot.png was made by w1.",)
    assert await contents(workspace) == {"plot.png": b"2", "plot-2.png": b"3"}
    kept = await left(workspace, {}, removed=["plot.png", "plot-2.png"], owner="w2")
    assert kept.notes == ("/work/plot.png was not removed: it was made by w1.",)
    assert await workspace.names() == ["plot.png"]


async def test_a_later_task_may_replace_what_an_earlier_one_made(tmp_path: Path) -> None:
    await left(Workspace(tmp_path, task="one"), {"report.txt": b"1"}, owner="w1")
    later = Workspace(tmp_path, task="two")
    assert (await left(later, {"report.txt": b"2"}, owner="w2")).files == ("report.txt",)
    assert (await left(later, {"report.txt": b"3"}, owner="w1")).files == ("report-2.txt",)
    assert await contents(later) == {"report.txt": b"2", "report-2.txt": b"3"}


async def test_an_attachment_stays_as_it_was_attached(tmp_path: Path) -> None:
    await Workspace(tmp_path, task="one").add("sales.csv", b"attached")
    later = Workspace(tmp_path, task="two")
    for owner in ("w1", "w2"):
        kept = await left(later, {"sales.csv": b"changed"}, removed=["sales.csv"], owner=owner)
        assert "is an attached file and stays as it was attached" in kept.notes[0]
        assert "was not removed" in kept.notes[1]
    files = {"sales.csv": b"attached", "sales-2.csv": b"changed", "sales-3.csv": b"changed"}
    assert await contents(later) == files
    assert await later.attached() == {"sales.csv"}


async def test_a_file_that_was_replaced_since_is_not_read_as_if_it_were_the_old_one(
    workspace: Workspace,
) -> None:
    await left(workspace, {"a": b"old", "b": b"gone"})
    before = await workspace.snapshot()
    await left(workspace, {"a": b"new"}, removed=["b"])
    for name in ("a", "b"):
        with pytest.raises(FileRefused):
            before.files[name].read()


async def test_times_permission_to_execute_and_empty_folders_are_kept(workspace: Workspace) -> None:
    file = SandboxFile(
        size=2, open=lambda: io.BytesIO(b"#!"), executable=True, modified=1_500_000_000 * 10**9
    )
    run = Run(status=Status.OK, exit_code=0, stdout="", stderr="", seconds=0, files={"bin/go": file})
    run = replace(run, folders=("empty/deep", "plots"))
    before = await workspace.snapshot()
    await workspace.keep(run, before, "w1")
    after = await workspace.snapshot()
    assert (after.files["bin/go"].executable, after.files["bin/go"].modified) == (True, file.modified)
    assert sorted(after.folders) == ["empty/deep", "plots"]
    await workspace.keep(replace(run, files={}, removed=("bin/go",), folders=("plots",)), after, "w1")
    assert (await workspace.names(), (await workspace.snapshot()).folders) == ([], ("plots",))
    assert not (workspace.folder / "empty").exists()
