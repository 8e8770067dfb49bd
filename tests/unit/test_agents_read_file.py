"""`read_file`: text files in `/work`, as the orchestrator reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.workspace import Workspace
from tests.support.scripted_model import (
    Call,
    Reply,
    Say,
    ScriptedModel,
)
from tests.support.team import Team, endpoint_of


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "0123456789"),
        ({"offset": 4, "limit": 3}, "456"),
        ({"offset": -5}, "0123456789"),
        ({"limit": -1}, ""),
    ],
)
async def test_read_file_gives_the_part_that_is_asked_for(
    tmp_path: Path, arguments: dict[str, int], expected: str
) -> None:
    await Workspace(tmp_path).add("a.txt", b"0123456789")
    script: list[Reply] = [Call("read_file", {"path": "/work/a.txt", **arguments}), Say("Read.")]
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run_in(tmp_path, endpoint)
    assert model.requests[-1].results[0] == f"[/work/a.txt: 10 bytes]\n{expected}"


BINARY = {
    "plot.png": (b"\x89PNG\r\n\x1a\n" + bytes(99), "107 bytes, a PNG picture"),
    "a.pdf": (b"%PDF-1.7\n1 0 obj", "16 bytes, a PDF file"),
    "a.xlsx": (b"PK\x03\x04" + bytes(9), "13 bytes, a ZIP archive or an Office file"),
    "a.bin": (b"abc\0def", "7 bytes, binary data"),
}


@pytest.mark.parametrize("name", BINARY)
async def test_read_file_names_what_is_no_text(tmp_path: Path, name: str) -> None:
    data, sentence = BINARY[name]
    await Workspace(tmp_path).add(name, data)
    script: list[Reply] = [Call("read_file", {"path": name}), Say("No.")]
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run_in(tmp_path, endpoint)
    said = model.requests[-1].results[0]
    assert said.startswith(f"Error: {name} is not a text file ({sentence}). See a picture with view_image")


async def test_read_file_holds_a_large_file_in_pieces(tmp_path: Path) -> None:
    text = "é" * 3_000_000
    await Workspace(tmp_path).add("a.txt", f"{text}end".encode())
    script: list[Reply] = [Call("read_file", {"path": "a.txt", "offset": 2_999_998}), Say("Read.")]
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run_in(tmp_path, endpoint)
    assert model.requests[-1].results[0] == "[a.txt: 6,000,003 bytes]\nééend"


@pytest.mark.parametrize("path", ["a.txt", "./a.txt", " /work/./a.txt"])
async def test_a_file_is_found_however_its_path_is_spelled(tmp_path: Path, path: str) -> None:
    await Workspace(tmp_path).add("a.txt", b"0123")
    script: list[Reply] = [Call("read_file", {"path": path}), Say("Read.")]
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run_in(tmp_path, endpoint)
    assert model.requests[-1].results[0].endswith("0123")


async def test_read_file_shows_which_files_there_are() -> None:
    script: list[Reply] = [Call("read_file", {"path": "/work/../etc/passwd"}), Say("No.")]
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team().run(endpoint)
    assert model.requests[-1].results[0].endswith("The files are: none")
