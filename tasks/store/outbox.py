"""The outbox: records each post before it is sent, and its `ts` after. A post is a key, without its text.

Each method is one transaction, and may be repeated where its outcome was not seen.
"""

from __future__ import annotations

import time

from sqlalchemy import insert, select, update

from tasks.store import schema
from tasks.store.database import Database, persistent
from tasks.store.rows import check_runner


class Outbox:
    """The posts of all tasks. `patience` is that of its store."""

    def __init__(self, database: Database, patience: float) -> None:
        self.database = database
        self.patience = patience

    @persistent
    async def posts(self, task: str) -> dict[str, str | None]:
        """`ts` by key, None for a post that was intended and not confirmed."""
        query = select(schema.post.c.key, schema.post.c.ts).where(schema.post.c.task == task)
        async with self.database.read() as connection:
            return {row.key: row.ts for row in await connection.execute(query)}

    @persistent
    async def intend(self, task: str, key: str, *, runner: str | None = None) -> None:
        """Record that `key` is about to be posted. Raises `StaleRunner` when another run than `runner` has
        the task now."""
        mine = (schema.post.c.task == task) & (schema.post.c.key == key)
        async with self.database.write() as connection:
            if runner is not None:
                await check_runner(connection, task, runner)
            if (await connection.execute(select(schema.post.c.key).where(mine))).first() is None:
                await connection.execute(insert(schema.post).values(task=task, key=key, at=time.time()))

    @persistent
    async def posted(self, task: str, key: str, ts: str) -> bool:
        """Confirm a post; False when another process has posted it before: then this one is a duplicate."""
        mine = (schema.post.c.task == task) & (schema.post.c.key == key)
        async with self.database.write() as connection:
            await connection.execute(
                update(schema.post).where(mine, schema.post.c.ts.is_(None)).values(ts=ts)
            )
            first = (await connection.execute(select(schema.post.c.ts).where(mine))).scalar()
            return first in (None, ts)
