"""The database: opens it, migrates it, and gives out short transactions.

SQLite for one process (WAL, every commit synced, one writer at a time), PostgreSQL for several.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, Concatenate, ParamSpec, Protocol, TypeVar

import alembic.command
import alembic.config
import alembic.util
import structlog
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tasks.errors import DatabaseInUse, DatabaseTooNew
from tasks.store.retry import describe_outage, retrying
from tasks.store.urls import sqlite_file
from tasks.task import Ticket
from tasks.timing import STANDARD, TaskTiming

P = ParamSpec("P")
S = TypeVar("S", bound="Persistent")
T = TypeVar("T")
log = structlog.get_logger(__name__)

SCHEMA = "handoff"
#: Where DBOS keeps its queue's tables on PostgreSQL; for SQLite see `queue_file`.
QUEUE_SCHEMA = "dbos"
#: The advisory lock of the migrations. Any number serves that is the same in every process.
_MIGRATION_LOCK = 5_041_996_201
#: The tickets of the transaction that a connection is in, in its `info`.
_TICKETS = "handoff.tickets"
#: Free bytes on SQLite's disk below which the health check warns.
_LOW_DISK = 64 * 1024 * 1024


class Database:
    """One open database. `url` is `sqlite:///path` or `postgresql://…`."""

    def __init__(self, url: str, timing: TaskTiming = STANDARD) -> None:
        self.url = make_url(url)
        self._timing = timing
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = (_sqlite if self.is_sqlite else _postgres)(self.url, timing)
        self.on_queued: Callable[[Ticket], None] = lambda _: None
        """Gets each ticket of `enqueue` once its transaction is committed. `TaskEngine` hands it to DBOS;
        without an engine, the next maintenance of a process that has one finds it."""
        self._writer = asyncio.Lock() if self.is_sqlite else nullcontext()
        self._lock_file: IO[str] | None = None
        self._file: tuple[int, int] | None = None
        self._outage = ""

    async def open(self) -> None:
        """Lock the file for this process (SQLite) and migrate the tables.

        Raises `DatabaseInUse` when another process has the SQLite file, `DatabaseTooNew` when a later release
        has migrated it, `PoolerNotSupported` for a pooler without sessions, and SQLAlchemy's errors when the
        database can't be reached.
        """
        await self.reserve()
        if not self.is_sqlite:
            from tasks.store.postgres import refuse_pooler  # see `_postgres`

            await refuse_pooler(self._engine)
        async with self._engine.begin() as connection:
            await connection.run_sync(migrate)
        if self.is_sqlite:
            self._file = await asyncio.to_thread(_identity, sqlite_file(self.url))

    async def reserve(self) -> None:
        """Lock an SQLite file for this process. Raises `DatabaseInUse` when another one has it."""
        if self.is_sqlite:
            await asyncio.to_thread(self._lock)

    async def is_made(self) -> bool:
        """Whether the tables are there, of whatever release; changes nothing."""
        if self.is_sqlite and not await asyncio.to_thread(sqlite_file(self.url).exists):
            return False  # a connection would make the file
        schema = None if self.is_sqlite else SCHEMA
        async with self._engine.connect() as connection:
            found = await connection.run_sync(lambda sync: inspect(sync).has_table("task", schema=schema))
        return bool(found)

    async def is_current(self) -> bool:
        """Whether the tables are those of this release; changes nothing."""
        async with self.read() as connection:
            found = await connection.run_sync(
                lambda sync: MigrationContext.configure(sync).get_current_heads()
            )
        return set(found) == set(ScriptDirectory.from_config(_migrations()).get_heads())

    async def close(self) -> None:
        try:
            # PostgreSQL's driver waits for the server to close, without a timeout of its own.
            async with asyncio.timeout(self._timing.goodbye):
                await self._engine.dispose()
        except TimeoutError:
            log.warning("the database does not answer, connections dropped", seconds=self._timing.goodbye)
        if self._lock_file is not None:
            self._lock_file.close()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for queries, each of which sees the newest rows: there is no transaction."""
        async with self._engine.connect() as connection:
            if not self.is_sqlite:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
            yield connection

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[AsyncConnection]:
        """A connection for one statement that writes, on PostgreSQL without BEGIN and COMMIT."""
        async with self.write() if self.is_sqlite else self.read() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed at the end of the block and rolled back by an error in it."""
        async with self._writer, self._engine.begin() as connection:
            tickets: list[Ticket] = []
            connection.info[_TICKETS] = tickets
            yield connection
        for ticket in tickets:
            self.on_queued(ticket)

    async def persist(self, work: Callable[[], Awaitable[T]], seconds: float) -> T:
        """Run one repeatable transaction, with retries for `seconds` while its errors are transient."""
        waits = self._timing.first_database_retry, self._timing.longest_database_retry
        return await retrying(work, seconds=seconds, waits=waits, on_outage=self._log_outage)

    async def check(self) -> str:
        """Health check: what is wrong, in a sentence for the operator; empty when nothing is. Raises errors
        that are neither transient nor the operator's to fix."""
        try:
            async with asyncio.timeout(self._timing.check):
                try:
                    await self._probe()
                except DBAPIError as error:
                    if not error.connection_invalidated:
                        raise
                    # The connection was lost while it was idle; a new one shows how the server is now.
                    await self._probe()
        except Exception as error:
            if outage := describe_outage(error):
                return outage
            raise
        if self.is_sqlite:
            return await asyncio.to_thread(self._check_file) or self._outage
        return ""

    async def _probe(self) -> None:
        """Raise the database's error unless our tables exist and are writable. Writes nothing."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1 FROM task LIMIT 1"))
            if not self.is_sqlite:
                # A replica refuses it.
                await connection.execute(text("SELECT 1 FROM task LIMIT 0 FOR SHARE"))

    def _check_file(self) -> str:
        """What is wrong with SQLite's file and disk; an open file does not notice it by itself."""
        path = sqlite_file(self.url)
        if self._file != _identity(path):
            return (
                f"{path} was removed or replaced while in use, so new writes will be lost. Stop Handoff, put "
                "the right file there and start it again"
            )
        free = shutil.disk_usage(path.parent).free
        if free < _LOW_DISK:
            return f"the disk of the database is almost full: {free // 2**20} MiB are free"
        return ""

    def _log_outage(self, outage: str) -> None:
        if outage and not self._outage:
            log.error("database unavailable, tasks wait for it", why=outage)
        elif self._outage and not outage:
            log.info("database available again")
        self._outage = outage

    def _lock(self) -> None:
        path = sqlite_file(self.url)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock_file = path.with_suffix(".lock").open("w")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock_file.close()
            raise DatabaseInUse(
                f"Another Handoff is running on {path}. Stop it, set HANDOFF_DATA_DIR to another folder, or "
                "set HANDOFF_DATABASE_URL to a PostgreSQL database, which serves several processes."
            ) from None


def enqueue(connection: AsyncConnection, ticket: Ticket) -> None:
    """Queue an attempt of a task when this transaction commits."""
    connection.info[_TICKETS].append(ticket)


class Persistent(Protocol):
    """A class with `persistent` methods. `patience` is for how many seconds they retry."""

    database: Database
    patience: float


def persistent(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Retry a method, which is one transaction, for its owner's `patience` while its errors are transient."""

    async def persist(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.database.persist(lambda: method(self, *args, **kwargs), self.patience)

    functools.update_wrapper(persist, method)
    return persist


def set_pragmas(engine: Engine) -> None:
    """Set each SQLite connection to wait for locks, to read beside a writer, and to sync every commit."""

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}")


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of a file, which survive a rename; None when there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _sqlite(url: URL, timing: TaskTiming) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"), pool_size=4, pool_timeout=timing.pool, max_overflow=0
    )
    set_pragmas(engine.sync_engine)
    return engine


def _postgres(url: URL, timing: TaskTiming) -> AsyncEngine:
    from tasks.store.postgres import make_engine  # needs a driver that an installation on SQLite lacks

    return make_engine(url, timing, SCHEMA)


def migrate(connection: Connection, to: str = "head") -> None:
    """Run the missing migrations, on PostgreSQL under a lock: two first starts would race."""
    began = time.perf_counter()
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _MIGRATION_LOCK})
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    config = _migrations()
    config.attributes["connection"] = connection
    try:
        alembic.command.upgrade(config, to)
    except alembic.util.CommandError as error:
        raise DatabaseTooNew(
            "A later release has migrated the database. Start that release, or restore the backup that was "
            "made before it."
        ) from error
    log.debug("database ready", seconds=round(time.perf_counter() - began, 3))


def is_known(revision: str) -> bool:
    """Whether this release has the migrations up to a revision of the tables."""
    return revision in {
        script.revision for script in ScriptDirectory.from_config(_migrations()).walk_revisions()
    }


def _migrations() -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", "tasks.store:migrations")
    return config
