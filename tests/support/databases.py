"""Fixtures of databases: SQLite files and databases of a PostgreSQL server, with today's tables or empty.

Tables are made once and copied for each test.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from tasks.store.database import Database
from tests.support.database_templates import copy_migrated, migrate
from tests.support.postgres import Postgres, fast_postgres, shared_postgres

#: The PostgreSQL database that has today's tables.
TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """The server that all workers of pytest share. A test that stops or freezes one takes `own_postgres`."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with shared_postgres(folder, lambda server: asyncio.run(migrate(server.create(TEMPLATE)))) as server:
        yield server


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[Postgres]:
    """A server that only this worker of pytest uses, so its test may stop and freeze it."""
    with fast_postgres() as server:
        yield server


@pytest.fixture
def own_postgres_url(own_postgres: Postgres) -> str:
    """The URL of an empty database on this worker's own server."""
    return own_postgres.create()


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> str:
    """The URL of a PostgreSQL database with today's tables and no rows."""
    return postgres_server.create(template=TEMPLATE)


@pytest.fixture
def empty_postgres_url(postgres_server: Postgres) -> str:
    return postgres_server.create()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with today's tables and no rows, once of each kind."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    asyncio.run(copy_migrated(url))
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that has no tables yet, once of each kind."""
    if request.param == "postgres":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path / 'handoff.db'}"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database without rows, once of each kind."""
    async with opened(database_url) as made:
        yield made


async def limit_pages(database: Database, *, free: int) -> None:
    """SQLite's own full disk: no page more than there are now, on every connection of the pool."""
    connections = [await database._engine.connect() for _ in range(4)]
    for connection in connections:
        count = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count = {count + free}"))
    for connection in connections:
        await connection.close()


def set_read_only(server: Postgres, url: str, how: str) -> None:
    """Have a database refuse what writes, as a server that follows another does, or `off` again; all that are
    connected lose their connections, as they do in a failover."""
    name = url.rpartition("/")[2]
    others = server.url("postgres")
    server.ask(others, f"ALTER DATABASE {name} SET default_transaction_read_only = {how}")
    end = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'"
    server.ask(others, end)
