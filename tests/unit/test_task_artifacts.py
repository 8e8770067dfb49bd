"""Which files an answer names, and which pictures came out of an attachment."""

from __future__ import annotations

import io
import random
import tarfile
import zipfile
from pathlib import Path
from typing import Literal

import pytest

from sandbox.files import SandboxFile
from sandbox.job import Run, Status
from sandbox.workspace import Workspace
from tasks.run.artifacts import names
from tests.support.sandboxes import left


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("See report.csv.", "report.csv"),
        ("See `report.csv`, please", "out/report.csv"),
        ("**report.csv**: the table", "report.csv"),
        ("(/work/out/report.csv)", "out/report.csv"),
        ("in ./out/report.csv", "out/report.csv"),
        ("the archive is report.tar.gz", "report.tar.gz"),
        ("отчёт.xlsx готов", "отчёт.xlsx"),
        ("It is in `data`", "data"),
        ("It is in /work/data.", "data"),
        ("It is in /work/out/Makefile", "out/Makefile"),
    ],
)
def test_an_answer_names_a_file(text: str, path: str) -> None:
    assert names(text, path)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("The data show three peaks", "e"),
        ("The data show three peaks", "data"),
        ("myreport.csv", "report.csv"),
        ("report.csv2", "report.csv"),
        ("report.csv.gz", "report.csv"),
        ("old-report.csv", "report.csv"),
        ("/work/b/report.csv", "a/report.csv"),
        ("see report.csv/readme", "report.csv"),
        ("/work/data.csv", "data"),
        ("reportXcsv", "report.csv"),
    ],
)
def test_an_answer_that_only_holds_the_letters_does_not(text: str, path: str) -> None:
    assert not names(text, path)


PICTURE, PLOT = b"\x89PNG picture" * 50, b"\x89PNG Matplotlib plot" * 60


async def test_pictures_of_an_attached_archive_are_reported_from_pictures_made(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as writing:
        writing.comment = b"a comment"
        for number in range(40):
            writing.writestr(f"images/{number}.png", PICTURE + bytes([number]))
    workspace = Workspace(tmp_path)
    await workspace.add("pictures.zip", archive.getvalue())
    made = {f"{number}.png": PICTURE + bytes([number]) for number in range(40)} | {"plot.png": PLOT}
    await left(workspace, made)
    assert await workspace.unpacked(made) == made.keys() - {"plot.png"}


async def test_a_copy_of_an_attachment_is_no_picture_made(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    await workspace.add("photo.png", PICTURE)
    await left(workspace, {"copy.png": PICTURE, "other.png": PICTURE[:-1] + b"!"})
    assert await workspace.unpacked(["copy.png", "other.png"]) == {"copy.png"}


async def test_a_picture_older_than_every_attachment_came_out_of_one(tmp_path: Path) -> None:
    """What `tarfile` and `unzip` do: they set the time of the archive's entry."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("a.png"))
    workspace = Workspace(tmp_path)
    await workspace.add("pictures.tar.gz", packed.getvalue())
    old = SandboxFile(size=len(PICTURE), open=lambda: io.BytesIO(PICTURE), modified=1_500_000_000 * 10**9)
    run = Run(
        status=Status.OK,
        exit_code=0,
        stdout="",
        stderr="",
        seconds=0,
        files={"a.png": old, "b.png": SandboxFile.of(PLOT)},
    )
    await workspace.keep(run, await workspace.snapshot(), "w1")
    assert await workspace.unpacked(["a.png", "b.png"]) == {"a.png"}


async def test_without_an_attachment_every_picture_is_made(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    await left(workspace, {"pictures.zip": b"PK", "a.png": PICTURE})
    assert await workspace.unpacked(["a.png"]) == set()


def _zip_of(name: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as writing:
        writing.writestr(name, b"inside")
    return packed.getvalue()


def _tar_of(name: str, mode: Literal["w", "w:gz", "w:bz2", "w:xz"]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:
        tar.addfile(tarfile.TarInfo(name))
    return packed.getvalue()


DRAWN = b"\x89PNG\r\n\x1a\n\0\0\0:tEXtSoftware\0Matplotlib version3.10"
DRAWN_SVG = b'<?xml version="1.0"?><svg><metadata><dc:title>Matplotlib v3.10</dc:title></metadata></svg>'


@pytest.mark.parametrize(
    "attached",
    [
        b"%PDF-1.7\n",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        _tar_of("a.png", "w"),
        _tar_of("a.png", "w:gz"),
        _tar_of("a.png", "w:bz2"),
        _tar_of("a.png", "w:xz"),
        _zip_of("inner.zip"),
        _zip_of("report/Scan.PDF"),
    ],
    ids=["PDF", "old Office", "tar", "tar.gz", "tar.bz2", "tar.xz", "a ZIP in a ZIP", "a PDF in a ZIP"],
)
async def test_pictures_beside_an_attachment_that_shows_no_content_are_not_made_but_plots(
    tmp_path: Path, attached: bytes
) -> None:
    workspace = Workspace(tmp_path)
    await workspace.add("attached", attached)
    await left(workspace, {"page.png": PICTURE, "plot.png": DRAWN, "plot.svg": DRAWN_SVG})
    assert await workspace.unpacked(["page.png", "plot.png", "plot.svg"]) == {"page.png"}


async def test_beside_a_table_every_picture_is_made(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    await workspace.add("a.csv", b"a,b\n1,2\n")
    await workspace.add("a.xlsx", _zip_of("xl/workbook.xml"))
    await left(workspace, {"page.png": PICTURE})
    assert await workspace.unpacked(["page.png"]) == set()


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"PK\x05\x06",
        b"PK\x05\x06" + b"\xff" * 18,
        b"PK\x05\x06" + bytes(8) + b"\xff\xff\xff\x7f" + bytes(6),
        b"PK\x01\x02" + bytes(20) + b"PK\x05\x06" + bytes(6) + b"\xff\xff" + b"\x18\0\0\0" + bytes(6),
        random.Random(1).randbytes(70_000),
    ],
    ids=["empty", "cut short", "sizes of -1", "a far directory", "no entries", "noise"],
)
async def test_a_broken_archive_holds_no_pictures(tmp_path: Path, broken: bytes) -> None:
    workspace = Workspace(tmp_path)
    await workspace.add("broken.zip", broken)
    await left(workspace, {"a.png": PICTURE})
    assert await workspace.unpacked(["a.png"]) == set()
