"""LISTEN/NOTIFY between processes on PostgreSQL. SQLite has one process, which needs none.

A notification may be lost with its connection, so listeners also poll once a second.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

CHANNEL = "handoff"


async def notify(connection: AsyncConnection, task: str) -> None:
    """Notify the other processes of a change to a task when this transaction commits."""
    if connection.dialect.name == "postgresql":
        query = text("SELECT pg_notify(:channel, :task)")
        await connection.execute(query, {"channel": CHANNEL, "task": task})
