"""How the process that runs a task hears of a change made by another: a word through PostgreSQL.

A word may be lost with its connection, so whoever listens also looks once a second. SQLite has one process,
which needs no words.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

CHANNEL = "handoff"


async def ring(connection: AsyncConnection, task: str) -> None:
    """Have the process that runs a task look at it, when this transaction is committed."""
    if connection.dialect.name == "postgresql":
        query = text("SELECT pg_notify(:channel, :task)")
        await connection.execute(query, {"channel": CHANNEL, "task": task})
