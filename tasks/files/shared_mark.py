"""The mark by which processes know that they share one folder, or bucket, for the threads' files."""

from __future__ import annotations

import asyncio
import io
import os
import uuid
from contextlib import suppress
from pathlib import Path

from tasks.errors import FilesUnavailable, FolderNotShared
from tasks.files.bucket import Bucket
from tasks.store.database import Database
from tasks.store.key_value import KeyValueStore

NAME = ".handoff-files"
_NAMESPACE, _KEY, _BUCKET = "files", "folder", "bucket"
_OTHER = (
    "The folder {folder} is not the one that the other bots on this database use, so files that one bot "
    "stores would be missing on another. Mount the same folder for all bots and set HANDOFF_DATA_DIR to it. "
    "If the folder was moved or restored without its mark: echo {mark} > {file}"
)
_IN_A_BUCKET = (
    "The other bots on this database keep the threads' files in a bucket, and this one has none. Set "
    "HANDOFF_FILES_URL to theirs."
)
_OTHER_BUCKET = (
    "{url} is not the bucket that the other bots on this database use, so files that one bot stores would be "
    "missing on another. Set HANDOFF_FILES_URL to theirs. If its objects were moved there without their "
    "mark, store the text {mark} as the object {name}."
)


async def check_shared_folder(database: Database, folder: Path) -> None:
    """Mark the folder at the first start, and compare the mark at later ones. Raises `FolderNotShared`. On
    SQLite there is one process, and no mark."""
    if database.is_sqlite:
        return
    store = KeyValueStore(database)
    if await store.get(_NAMESPACE, _BUCKET) is not None:
        raise FolderNotShared(_IN_A_BUCKET)
    known, file = await store.get(_NAMESPACE, _KEY), folder / NAME
    if known is None:
        # Of processes that start at once, those on one folder read the same mark.
        mark = _mark(file, create=True)
        known = await store.put_once(_NAMESPACE, _KEY, mark)
    if _mark(file) != known:
        raise FolderNotShared(_OTHER.format(folder=folder, mark=known, file=file))


async def check_shared_bucket(database: Database, bucket: Bucket) -> None:
    """Try the bucket, mark it at the first start, and compare the mark at later ones.

    Raises `FolderNotShared`, and `FileRefused` or `FilesUnavailable` where the bucket does not work.
    """
    await bucket.check()
    store = KeyValueStore(database)
    known = await store.get(_NAMESPACE, _BUCKET)
    if known is None:
        # Of processes that start at once, those with one bucket read the same mark.
        await bucket.put(NAME, io.BytesIO(uuid.uuid4().hex.encode()), new=True)
        known = await store.put_once(_NAMESPACE, _BUCKET, await _new_mark(bucket))
    if await bucket.text(NAME) != known:
        raise FolderNotShared(_OTHER_BUCKET.format(url=bucket.url, mark=known, name=NAME))


async def _new_mark(bucket: Bucket) -> str:
    """A mark that another process has just written may be refused to us before it can be read."""
    for _ in range(10):
        if mark := await bucket.text(NAME):
            return mark
        await asyncio.sleep(0.2)
    raise FilesUnavailable(f"the bucket {bucket.url} does not return the object {NAME}")


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
