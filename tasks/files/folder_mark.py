"""The mark by which several processes know that they share one folder for the threads' files."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path

from tasks.errors import FolderNotShared
from tasks.store.database import Database
from tasks.store.key_value import KeyValueStore

NAME = ".handoff-files"
_NAMESPACE, _KEY = "files", "folder"
_OTHER = (
    "The folder {folder} is not the one that the other bots on this database use, so files that one bot "
    "stores would be missing on another. Mount the same folder for all bots and set HANDOFF_DATA_DIR to it. "
    "If the folder was moved or restored without its mark: echo {mark} > {file}"
)


async def check_shared_folder(database: Database, folder: Path) -> None:
    """Mark the folder at the first start, and compare the mark at later ones. Raises `FolderNotShared`. On
    SQLite there is one process, and no mark."""
    if database.is_sqlite:
        return
    store = KeyValueStore(database)
    known, file = await store.get(_NAMESPACE, _KEY), folder / NAME
    if known is None:
        # Of processes that start at once, those on one folder read the same mark.
        mark = _mark(file, create=True)
        known = await store.put_once(_NAMESPACE, _KEY, mark)
    if _mark(file) != known:
        raise FolderNotShared(_OTHER.format(folder=folder, mark=known, file=file))


def _mark(file: Path, *, create: bool = False) -> str:
    if create and not file.exists():
        new = file.with_name(f"{NAME}-{uuid.uuid4().hex}")
        new.write_text(f"{uuid.uuid4().hex}\n")
        with suppress(FileExistsError):
            os.link(new, file)
        new.unlink()
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        return ""
