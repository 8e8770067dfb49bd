"""Notes that people pin to a channel, in SQL. Every task in the channel gets them in its first turn."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.store import schema
from tasks.store.admission import lock_workspace
from tasks.store.database import Database

#: The most notes of one channel, and characters of one note.
MOST, LONGEST = 20, 500
_ROW = schema.note.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One pinned note; `user_name` is its last author."""

    number: int
    text: str
    user_name: str


class ChannelNotes:
    """The notes of all channels. Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, team: str, channel: str, *, patience: float = 0.0) -> Sequence[Note]:
        """A channel's notes by number; `patience` is for how many seconds to retry while the database is
        away."""
        return await self._database.persist(lambda: self._of(team, channel), patience)

    async def add(self, team: str, channel: str, text: str, *, user: str, user_name: str) -> int | None:
        """Pin a note; returns its number, or None when the channel has the most it may have."""
        async with self._database.write() as connection:
            await lock_workspace(connection, team)
            return await insert_note(connection, team, channel, text, user=user, user_name=user_name)

    async def change(
        self, team: str, channel: str, number: int, text: str, *, user: str, user_name: str
    ) -> bool:
        """Replace a note's text; False when there is no note with that number."""
        values = {"text": text, "user": user, "user_name": user_name, "at": time.time()}
        mine = _in(team, channel) & (_ROW.number == number)
        async with self._database.write() as connection:
            return bool((await connection.execute(update(schema.note).where(mine).values(values))).rowcount)

    async def delete(self, team: str, channel: str, number: int) -> bool:
        """Delete a note; False when there is no note with that number."""
        mine = _in(team, channel) & (_ROW.number == number)
        async with self._database.write() as connection:
            return bool((await connection.execute(delete(schema.note).where(mine))).rowcount)

    async def own(self, team: str, user: str, *, limit: int) -> Sequence[tuple[str, Note]]:
        """The notes that a person wrote last, each with its channel, newest first."""
        mine = (_ROW.team == team) & (_ROW.user == user)
        query = select(_ROW.channel, _ROW.number, _ROW.text, _ROW.user_name).where(mine)
        async with self._database.read() as connection:
            rows = (await connection.execute(query.order_by(_ROW.at.desc()).limit(limit))).all()
        return [
            (row.channel, Note(number=row.number, text=row.text, user_name=row.user_name)) for row in rows
        ]

    async def purge(self, *, user: str = "", channel: str = "", before: float | None = None) -> int:
        """Delete the notes that meet all given conditions: last written by `user`, in `channel`, before a
        time. Returns how many."""
        where = [_ROW.user == user] if user else []
        where += [_ROW.channel == channel] if channel else []
        where += [_ROW.at < before] if before is not None else []
        async with self._database.write() as connection:
            return int((await connection.execute(delete(schema.note).where(*where))).rowcount)

    async def delete_workspace(self, team: str) -> None:
        """Delete all notes of a workspace."""
        async with self._database.write() as connection:
            await connection.execute(delete(schema.note).where(_ROW.team == team))

    async def _of(self, team: str, channel: str) -> Sequence[Note]:
        query = select(_ROW.number, _ROW.text, _ROW.user_name).where(_in(team, channel))
        async with self._database.read() as connection:
            rows = await connection.execute(query.order_by(_ROW.number))
            return [_note(row) for row in rows.mappings()]


async def insert_note(
    connection: AsyncConnection, team: str, channel: str, text: str, *, user: str, user_name: str
) -> int | None:
    """Pin a note in a transaction that has locked the workspace; see `ChannelNotes.add`."""
    numbers = (await connection.execute(select(_ROW.number).where(_in(team, channel)))).scalars().all()
    if len(numbers) >= MOST:
        return None
    number = max(numbers, default=0) + 1
    row = {
        "team": team, "channel": channel, "number": number, "text": text, "user": user,
        "user_name": user_name, "at": time.time(),
    }  # fmt: skip
    await connection.execute(insert(schema.note).values(row))
    return number


def _note(row: RowMapping) -> Note:
    return Note(number=row["number"], text=row["text"], user_name=row["user_name"])


def _in(team: str, channel: str) -> ColumnElement[bool]:
    return (_ROW.team == team) & (_ROW.channel == channel)
