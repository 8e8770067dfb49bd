"""How one process hears what another has written: a word through PostgreSQL.

A word may be lost with its connection, so whoever listens also looks once a second. SQLite has one process,
which needs no words.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

CHANNEL = "handoff"


async def notify(connection: AsyncConnection, word: str) -> None:
    """Say a word when this transaction is committed: the id of a task that has news."""
    if connection.dialect.name == "postgresql":
        query = text("SELECT pg_notify(:channel, :word)")
        await connection.execute(query, {"channel": CHANNEL, "word": word})
