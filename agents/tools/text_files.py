"""Reads a part of a text file in `/work`, however large the file is."""

from __future__ import annotations

import codecs

from agents.errors import ToolFailure
from agents.report import relative_path
from sandbox.errors import FileRefused
from sandbox.workspace import Workspace

#: Bytes that are held at once, and those that show whether a file is text.
_PIECE, _BEGINNING = 1 << 20, 8_000
#: Formats that a model should know by name.
_MAGIC = {
    b"%PDF": "a PDF file", b"\x89PNG": "a PNG picture", b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture", b"PK\x03\x04": "a ZIP archive or an Office file",
    b"\xd0\xcf\x11\xe0": "an old Office file", b"\x1f\x8b": "a gzip archive", b"PAR1": "a Parquet file",
}  # fmt: skip


async def read_text(workspace: Workspace, path: str, offset: int, limit: int) -> str:
    """The size of a file, and its characters from `offset` on. Raises `ToolFailure` with a sentence."""
    name = relative_path(path)
    sizes = await workspace.sizes()
    try:
        problem = _not_text(await workspace.read(name, 0, _BEGINNING))
        text = "" if problem else await _characters(workspace, name, max(offset, 0), max(limit, 0))
    except FileRefused as refused:
        raise ToolFailure(f"{refused} The files are: {', '.join(sorted(sizes)) or 'none'}") from None
    if problem:
        raise ToolFailure(
            f"{path} is not a text file ({sizes.get(name, 0):,} bytes{problem}). See a picture with "
            "view_image; for other files have a worker read it with Python."
        )
    return f"[{path}: {sizes.get(name, 0):,} bytes]\n{text}"


def _not_text(begin: bytes) -> str:
    """What a file is that is no text, after a comma; "" for text."""
    kind = next((kind for magic, kind in _MAGIC.items() if begin.startswith(magic)), "")
    return f", {kind}" if kind else ", binary data" if b"\0" in begin else ""


async def _characters(workspace: Workspace, name: str, offset: int, limit: int) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    found, position = "", 0
    while len(found) < limit:
        piece = await workspace.read(name, position, _PIECE)
        position += len(piece)
        text = decoder.decode(piece, final=not piece)
        found += text[offset : offset + limit]
        offset = max(offset - len(text), 0)
        if not piece:
            break
    return found[:limit]
