"""Exports one task as JSON with all its rows, for data requests and bug reports. Files are not included."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Table, select

from tasks.store import schema
from tasks.store.database import Database

#: The version of the format, raised by incompatible changes.
FORMAT = 1


async def export(database: Database, id_: str) -> dict[str, Any] | None:
    """Every row of a task by table, in the order of writing; None when there is no such task."""
    async with database.read() as connection:
        mine = select(schema.task).where(schema.task.c.id == id_)
        task = (await connection.execute(mine)).mappings().first()
        if task is None:
            return None
        parts: dict[str, Any] = {"format": FORMAT, "task": dict(task)}
        for table in schema.OF_A_TASK:
            query = select(table).where(table.c.task == id_).order_by(*_write_order(table))
            parts[table.name] = [dict(row) for row in (await connection.execute(query)).mappings()]
        return parts


def _write_order(table: Table) -> list[Column[Any]]:
    return [*([table.c.at] if "at" in table.c else []), *table.primary_key.columns]
