"""Backup and restore: every table's rows and the threads' files, in one archive that fits both databases.

The archive is a gzipped tar: `backup.json` (which schema it has), `tables/NAME.jsonl` (a row per line) and
`work/` (the threads' files). Rows of live processes and DBOS's own tables stay out: a start makes them again.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, Table, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.errors import BackupRefused
from tasks.store import schema
from tasks.store.database import QUEUE_SCHEMA, SCHEMA, Database, is_known, migrate
from tasks.store.urls import queue_file

#: The version of the archive's form.
FORMAT = 1
_ABOUT, _TABLES, _WORK = "backup.json", "tables", "work"
#: Rows that one statement inserts.
_BATCH = 500
_DAMAGE = (
    tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, KeyError, TypeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What an archive holds. `schema` is the database's Alembic revision, `made_at` seconds since 1970."""

    release: str
    schema: str
    made_at: float
    tasks: int
    files: int
    format: int = FORMAT


async def save(database: Database, work: Path, file: Path, *, release: str) -> Backup:
    """Write everything to `file`, which only this user may read. The bot may run: the rows are
    those of one moment, and the files those of a moment later. Raises `FileExistsError`, and OSError where it
    can't be written."""
    with tempfile.TemporaryDirectory(prefix=".handoff-backup-", dir=file.parent) as folder:
        made = Path(folder)
        (made / _TABLES).mkdir()
        revision, tasks = await _dump(database, made / _TABLES)
        about = Backup(
            release=release, schema=revision, made_at=time.time(), tasks=tasks, files=len(_files(work))
        )
        (made / _ABOUT).write_text(json.dumps(asdict(about)))
        await asyncio.to_thread(_pack, made, work, file)
    return about


async def restore(database: Database, work: Path, file: Path, *, overwrite: bool = False) -> Backup:
    """Put what `file` holds into the database and the folder `work`, in place of what is there.

    Nothing is changed before the whole archive has been read, and the rows change in one transaction. Raises
    `BackupRefused` for an archive that can't be used and, unless `overwrite`, for a place that is not empty.
    """
    work.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".handoff-restore-", dir=work.parent) as folder:
        found = Path(folder)
        about = await asyncio.to_thread(_unpack, file, found)
        if not overwrite and _files(work):
            raise BackupRefused(f"{work} holds files of threads. Add --overwrite to replace them.")
        async with database.write() as connection:
            await connection.run_sync(_clear, overwrite)
            await connection.run_sync(lambda sync: migrate(sync, about.schema))
            await connection.run_sync(_load, found / _TABLES)
            await connection.run_sync(lambda sync: migrate(sync))
            if database.is_sqlite:
                queue_file(database.url).unlink(missing_ok=True)
        await asyncio.to_thread(_replace, work, found / _WORK, found / "before")
    return about


async def _dump(database: Database, folder: Path) -> tuple[str, int]:
    """The schema's revision and the number of tasks."""
    async with database.read() as connection:
        await _freeze(connection, database)
        tables = await connection.run_sync(_reflect)
        counts = {name: await _dump_table(connection, table, folder) for name, table in tables.items()}
        (revision,) = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars()
    return str(revision), counts[schema.task.name]


async def _freeze(connection: AsyncConnection, database: Database) -> None:
    """Have all that is read from here on be of one moment."""
    if database.is_sqlite:
        await connection.exec_driver_sql("BEGIN")
    else:
        await connection.execution_options(isolation_level="REPEATABLE READ")


def _reflect(connection: Connection) -> Mapping[str, Table]:
    """The tables as they are in the database, which may be of an earlier schema than `tasks.schema`."""
    found = MetaData()
    found.reflect(connection)
    return {name: t for name, t in found.tables.items() if name not in ("alembic_version", schema.node.name)}


async def _dump_table(connection: AsyncConnection, table: Table, folder: Path) -> int:
    count = 0
    with (folder / f"{table.name}.jsonl").open("w") as lines:
        async for row in (await connection.stream(select(table))).mappings():
            lines.write(json.dumps(dict(row)) + "\n")
            count += 1
    return count


def _files(work: Path) -> list[Path]:
    return [path for path in work.rglob("*") if path.is_file() and not path.is_symlink()]


def _pack(folder: Path, work: Path, file: Path) -> None:
    archive = folder / "archive"
    archive.touch(0o600)
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        tar.add(folder / _ABOUT, _ABOUT)
        tar.add(folder / _TABLES, _TABLES)
        for path in _files(work):
            try:
                tar.add(path, f"{_WORK}/{path.relative_to(work)}")
            except FileNotFoundError:
                continue  # a running bot has just deleted it
    if file.exists():
        raise FileExistsError(file)
    archive.rename(file)


def _unpack(file: Path, folder: Path) -> Backup:
    """Extract the whole archive. Raises `BackupRefused`."""
    try:
        with tarfile.open(file, "r:gz") as tar:
            tar.extractall(folder, filter="data")
        about = Backup(**json.loads((folder / _ABOUT).read_text()))
        for table in (folder / _TABLES).iterdir():
            for row in _rows(table):
                dict(row)
    except FileNotFoundError as error:
        what = (
            "there is no such file"
            if error.filename in (file, str(file))
            else "it is not a backup of Handoff"
        )
        raise BackupRefused(f"{file} can't be restored: {what}.") from error
    except _DAMAGE as error:
        raise BackupRefused(f"{file} is not a backup of Handoff, or it is damaged ({error}).") from error
    except OSError as error:
        raise BackupRefused(f"{file} can't be read: {error.strerror or error}.") from error
    if about.format > FORMAT or not is_known(about.schema):
        raise BackupRefused(
            f"{file} was made by a later release, {about.release}. Restore it with that release."
        )
    return about


def _rows(table: Path) -> Iterator[dict[str, Any]]:
    with table.open() as lines:
        for line in lines:
            yield json.loads(line)


def _clear(connection: Connection, overwrite: bool) -> None:
    """Drop all tables, DBOS's among them, so that the schema of the archive can be made. Raises
    `BackupRefused` while a bot runs on them and, unless `overwrite`, when they hold tasks."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # pysqlite begins none by itself for DDL
    tables = inspect(connection).get_table_names()
    if "node" in tables and connection.dialect.name == "postgresql" and _has_living_node(connection):
        raise BackupRefused("A Handoff is running on this database. Stop it, and restore again.")
    has_tasks = "task" in tables and connection.execute(select(text("1")).select_from(text("task"))).first()
    if has_tasks and not overwrite:
        raise BackupRefused("The database holds tasks. Add --overwrite to replace them.")
    if connection.dialect.name == "postgresql":
        for name in (SCHEMA, QUEUE_SCHEMA):
            connection.execute(text(f"DROP SCHEMA IF EXISTS {name} CASCADE"))
        return
    found = MetaData()
    found.reflect(connection)
    found.drop_all(connection)


def _has_living_node(connection: Connection) -> bool:
    lives = "SELECT 1 FROM node JOIN pg_locks USING (pid) WHERE locktype = 'advisory' AND granted"
    return connection.execute(text(lives)).first() is not None


def _load(connection: Connection, folder: Path) -> None:
    for name, table in _reflect(connection).items():
        batch: list[dict[str, Any]] = []
        for row in _rows(folder / f"{name}.jsonl"):
            batch.append(row)
            if len(batch) == _BATCH:
                connection.execute(table.insert(), batch)
                batch = []
        if batch:
            connection.execute(table.insert(), batch)


def _replace(work: Path, found: Path, before: Path) -> None:
    found.mkdir(exist_ok=True)
    if work.exists():
        work.rename(before)
    found.rename(work)
    shutil.rmtree(before, ignore_errors=True)
