"""Fixtures of tests that run on both databases: a fresh one for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from tasks.store.database import Database
from tests.support.postgres import Postgres, postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One server for all tests; each makes a database of its own on it, and leaves it running."""
    with postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> str:
    """The URL of an empty PostgreSQL database."""
    return postgres_server.create()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'handoff.db'}"
    return str(request.getfixturevalue("postgres_url"))


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
    """An open database with empty tables, once of each kind."""
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
