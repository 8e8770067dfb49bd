"""A key-value store in SQL, namespaced by channel, thread or task. Values are JSON."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.message import ThreadAddress
from tasks.store import schema
from tasks.store.database import Database, persistent

_ROW = schema.kept.c


class KeyValueStore:
    """Each method is one transaction, and may be repeated where its outcome was not seen. It retries for
    `patience` seconds while the database is away."""

    def __init__(self, database: Database, patience: float = 0.0) -> None:
        self.database = database
        self.patience = patience

    @persistent
    async def get(self, namespace: str, key: str) -> Any:
        """The value, or None."""
        query = select(_ROW.value).where(_ROW.place == namespace, _ROW.name == key)
        async with self.database.read() as connection:
            return (await connection.execute(query)).scalar()

    @persistent
    async def all(self, namespace: str) -> dict[str, Any]:
        """Every value of a namespace, by key."""
        query = select(_ROW.name, _ROW.value).where(_ROW.place == namespace)
        async with self.database.read() as connection:
            return {row.name: row.value for row in await connection.execute(query)}

    @persistent
    async def put(self, namespace: str, key: str, value: Any) -> None:
        """Store a value in place of the one before; None deletes it."""
        async with self.database.statement() as connection:
            if value is None:
                await connection.execute(delete(schema.kept).where(_ROW.place == namespace, _ROW.name == key))
                return
            await put_value(connection, namespace, key, value)

    @persistent
    async def put_once(self, namespace: str, key: str, value: Any) -> Any:
        """Store a value unless there is one; returns the one that is there then."""
        insert = sqlite.insert if self.database.is_sqlite else postgresql.insert
        row = insert(schema.kept).values(place=namespace, name=key, value=value, at=time.time())
        async with self.database.write() as connection:
            await connection.execute(row.on_conflict_do_nothing(index_elements=["place", "name"]))
        return await self.get(namespace, key)

    @persistent
    async def delete_prefix(self, prefix: str) -> None:
        """Delete every value whose namespace begins with `prefix`."""
        mine = _ROW.place.startswith(prefix, autoescape=True)
        async with self.database.write() as connection:
            await connection.execute(delete(schema.kept).where(mine))


async def put_value(connection: AsyncConnection, namespace: str, key: str, value: Any) -> None:
    """`KeyValueStore.put` in a transaction of the caller's. One statement, as another process may be writing
    the same key."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    new = {"value": value, "at": time.time()}
    row = insert(schema.kept).values(place=namespace, name=key, **new)
    await connection.execute(row.on_conflict_do_update(index_elements=["place", "name"], set_=new))


def thread_namespace(thread: ThreadAddress) -> str:
    """A thread's namespace, deleted with the thread's last task."""
    return f"thread {thread.team}/{thread.channel}/{thread.ts}"


def task_namespace(id_: str) -> str:
    """A task's namespace, deleted with the task."""
    return f"task {id_}"
