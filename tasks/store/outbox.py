"""The outbox: records each post before it is sent, and its `ts` after. A post is a key, without its text.

Each method may be repeated where its outcome was not seen.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

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
        row: dict[str, Any] = {"task": task, "key": key, "at": time.time()}
        insert = (sqlite.insert if self.database.is_sqlite else postgresql.insert)(schema.post)
        if runner is None:
            new = insert.values(row)
        else:
            mine = (schema.task.c.id == task) & (schema.task.c.runner == runner)
            fence = select(*map(literal, row.values())).where(mine).with_for_update(read=True)
            new = insert.from_select(list(row), fence)
        async with self.database.statement() as connection:
            done = await connection.execute(new.on_conflict_do_nothing(index_elements=["task", "key"]))
            if runner is not None and not done.rowcount:
                await check_runner(connection, task, runner)  # else it was intended before

    @persistent
    async def posted(self, task: str, key: str, ts: str) -> bool:
        """Confirm a post; False when another process has posted it before: then this one is a duplicate."""
        mine = (schema.post.c.task == task) & (schema.post.c.key == key)
        async with self.database.statement() as connection:
            first = update(schema.post).where(mine, schema.post.c.ts.is_(None)).values(ts=ts)
            if (await connection.execute(first)).rowcount:
                return True
            known = (await connection.execute(select(schema.post.c.ts).where(mine))).scalar()
            return known in (None, ts)
