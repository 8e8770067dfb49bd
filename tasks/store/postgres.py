"""Connections to PostgreSQL: the URL's parameters for both drivers, and the check for a pooler."""

from __future__ import annotations

import time
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import URL, Engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from tasks.errors import PoolerNotSupported
from tasks.store.urls import libpq_url
from tasks.timing import TaskTiming

_POOLER = (
    "HANDOFF_DATABASE_URL leads to a pooler that gives each transaction another connection, such as "
    "PgBouncer in transaction mode. Handoff needs connections of its own, for locks and notifications: use "
    "the pooler's session mode, or the server's own address."
)


async def connect(url: URL, timing: TaskTiming, *, command_timeout: float, **settings: str) -> Any:
    """An asyncpg connection with libpq's parameters; `settings` are the session's."""
    libpq = libpq_url(url)
    query = dict(libpq.query)
    timeout = float(str(query.pop("connect_timeout", timing.connect)))
    dsn = libpq.set(query=query).render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn, timeout=timeout, command_timeout=command_timeout)
    # Not as startup parameters, which poolers refuse.
    for name, value in settings.items():
        await connection.execute("SELECT set_config($1, $2, false)", name, value)
    return connection


async def refuse_pooler(engine: AsyncEngine) -> None:
    """Raise `PoolerNotSupported` if two connections share a connection of the server: a session lock that one
    of them takes would be the other's too."""
    who = text("SELECT pg_backend_pid()")
    async with engine.connect() as first, engine.connect() as second:
        pids = []
        for connection in (first, second):
            pids.append((await connection.execute(who)).scalar_one())
            await connection.rollback()
    if pids[0] == pids[1]:
        raise PoolerNotSupported(_POOLER)


def make_engine(url: URL, timing: TaskTiming, schema: str) -> AsyncEngine:
    """A pool of connections whose tables are in `schema`."""

    async def open_connection() -> Any:
        return await connect(
            url, timing, command_timeout=timing.statement, search_path=schema,
            idle_in_transaction_session_timeout=f"{timing.standstill:.0f}s",
        )  # fmt: skip

    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg", query={}), async_creator=open_connection, pool_size=8,
        max_overflow=0, pool_timeout=timing.pool,
    )  # fmt: skip
    _ping_idle_connections(engine.sync_engine, timing.idle_ping)
    return engine


def _ping_idle_connections(engine: Engine, seconds: float) -> None:
    """Ping a connection that was idle for `seconds` before it is used. `pool_pre_ping` would do it each time,
    and callers retry the error of a connection that broke just now anyway."""

    @event.listens_for(engine, "checkin")
    def _note(_: object, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ping(connection: DBAPIConnection, record: ConnectionPoolEntry, _: object) -> None:
        if time.monotonic() - record.info.get("used", time.monotonic()) < seconds:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:  # whatever the driver raises, another connection is needed
            raise DisconnectionError from error
