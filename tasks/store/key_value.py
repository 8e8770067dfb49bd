"""Small facts kept by place and name: a channel's settings, a muted thread, when Slack was last heard.

Never interprets them: what a value means is its writer's business.
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from tasks.message import ThreadAddress
from tasks.store import schema
from tasks.store.database import Database


class KeyValueStore:
    """Values that fit into JSON. Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, place: str, name: str) -> Any:
        """The value, or None."""
        mine = (schema.kept.c.place == place) & (schema.kept.c.name == name)
        async with self._database.read() as connection:
            return (await connection.execute(select(schema.kept.c.value).where(mine))).scalar()

    async def all(self, place: str) -> dict[str, Any]:
        """Every value of a place, by name."""
        query = select(schema.kept.c.name, schema.kept.c.value).where(schema.kept.c.place == place)
        async with self._database.read() as connection:
            return {row.name: row.value for row in await connection.execute(query)}

    async def put(self, place: str, name: str, value: Any) -> None:
        """Keep a value in place of the one before; None forgets it."""
        mine = (schema.kept.c.place == place) & (schema.kept.c.name == name)
        async with self._database.write() as connection:
            if value is None:
                await connection.execute(delete(schema.kept).where(mine))
                return
            # One statement, as another process may be writing the same.
            insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
            new = {"value": value, "at": time.time()}
            row = insert(schema.kept).values(place=place, name=name, **new)
            await connection.execute(row.on_conflict_do_update(index_elements=["place", "name"], set_=new))

    async def forget_below(self, beginning: str) -> None:
        """Drop everything of the places whose names begin so."""
        mine = schema.kept.c.place.startswith(beginning, autoescape=True)
        async with self._database.write() as connection:
            await connection.execute(delete(schema.kept).where(mine))


def place_of(thread: ThreadAddress) -> str:
    """The place of what is kept of a thread; it goes with the thread's last task."""
    return f"thread {thread.team}/{thread.channel}/{thread.ts}"


def place_of_task(id_: str) -> str:
    """The place of what is kept of a task; it goes with the task."""
    return f"task {id_}"
