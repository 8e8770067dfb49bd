"""Databases with all tables and no rows: migrated once in each process, and copied for each bot."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from sqlalchemy import make_url

from tasks.queue.placement import Placement
from tasks.store.database import Database
from tasks.store.urls import sqlite_file
from tasks.task import Ticket

_folder: tempfile.TemporaryDirectory[str] | None = None


async def migrate(url: str) -> None:
    """Make the tables of the tasks and of the library that places them."""
    database = Database(url)
    placement = Placement(database.url, _nothing, at_once=1)
    try:
        await database.open()
        await placement.open()
        await placement.close()
    finally:
        await database.close()


async def copy_migrated(url: str) -> None:
    """Put the files of migrated databases where `url` (`sqlite:///…`) says, unless there are some."""
    global _folder
    if _folder is None:
        made = tempfile.TemporaryDirectory()
        await migrate(f"sqlite:///{made.name}/handoff.db")
        _folder = made
    await asyncio.to_thread(_copy, Path(_folder.name), sqlite_file(make_url(url)))


def _copy(folder: Path, to: Path) -> None:
    if to.exists():
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    for made in folder.glob("*.db"):
        shutil.copyfile(made, to.with_name(made.name.replace("handoff", to.stem, 1)))


async def _nothing(_: Ticket) -> None: ...
