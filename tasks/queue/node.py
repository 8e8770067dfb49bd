"""This process among those on one PostgreSQL database: alive while it holds its lock and its beat goes on.

Each process watches a few others. One that died, left or hangs loses its tasks to those who live; one that
was only cut off has some seconds to come back. Never runs tasks: what a death means is its maker's business.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg  # type: ignore[import-untyped]
import structlog
from sqlalchemy import URL

from tasks.store.database import SCHEMA
from tasks.store.notify import CHANNEL
from tasks.timing import TaskTiming

log = structlog.get_logger(__name__)

#: Others that each process watches: with all of them the looks would grow with the square of their number.
WATCHED = 3

_BEAT = "beat = beat + 1"
#: The last is what the driver says to a process that slept over an answer.
_LOSS = (
    OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError,
)  # fmt: skip


class _Buried(Exception):
    """Others have taken this process for dead."""


@dataclass(slots=True)
class _Seen:
    """What was seen of another process, on our own clock: theirs may jump."""

    beat: int
    since: float
    free_since: float | None = None


class Node:
    """Beats and watches. `on_death` gets the id of a process whose tasks are free now, while
    nobody else can; `on_notify` the id of a task that has news."""

    def __init__(
        self,
        url: URL,
        id_: str,
        *,
        on_death: Callable[[str], Awaitable[None]],
        on_notify: Callable[[str], None],
        timing: TaskTiming,
    ) -> None:
        self._timing = timing
        self.id = id_
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._number = int(id_[:15], 16)
        self._on_death = on_death
        self._on_notify = on_notify
        self._up = asyncio.Event()
        self._lost = ""

    async def wait_until_up(self) -> None:
        """Return when others see this process live."""
        await self._up.wait()

    async def run(self) -> None:
        """Live until cancelled, and come back to life after each loss of the connection. Returns when others
        have taken this process for dead: what it held is theirs, and its name is used up."""
        while True:
            try:
                await self._live()
            except _Buried:
                log.warning("node was taken for dead", node=self.id)
                return
            except _LOSS as error:
                self._tell_lost(str(error) or repr(error))
            except Exception:
                # The driver has more ways to say that a connection broke under it than it documents.
                log.exception("node stumbled, coming back")
            await asyncio.sleep(self._timing.heartbeat)

    async def _live(self) -> None:
        connection = await asyncpg.connect(
            self._dsn, timeout=self._timing.node_answer, command_timeout=self._timing.node_answer
        )
        try:
            await self._join(connection)
            await connection.add_listener(CHANNEL, lambda *words: self._on_notify(str(words[-1])))
            self._tell_back()
            seen: dict[str, _Seen] = {}
            while True:
                await self._touch(connection, _BEAT)
                for peer in await self._peers(connection):
                    await self._look(connection, peer, seen)
                await asyncio.sleep(self._timing.heartbeat)
        except asyncio.CancelledError:
            await self._leave(connection)
            raise
        finally:
            connection.terminate()

    def _tell_lost(self, why: str) -> None:
        """Once for each reason: it is tried twice a second, however long that lasts."""
        if why != self._lost:
            log.warning("node cut off from the database, coming back", why=why)
        self._lost = why

    def _tell_back(self) -> None:
        if self._lost:
            log.info("node is back", node=self.id)
        self._lost = ""

    async def _join(self, connection: asyncpg.Connection) -> None:
        # Held by somebody who takes our tasks over, or by our own lost session until that is noticed.
        await connection.execute("SELECT pg_advisory_lock($1)", self._number)
        if self._up.is_set():
            await self._touch(connection, "pid = pg_backend_pid()")
            return
        await connection.execute(
            f'INSERT INTO {SCHEMA}.node (id, number, pid, beat, "left") '
            "VALUES ($1, $2, pg_backend_pid(), 0, false) ON CONFLICT (id) DO UPDATE SET pid = excluded.pid",
            self.id,
            self._number,
        )
        self._up.set()
        log.info("node joined", node=self.id)

    async def _leave(self, connection: asyncpg.Connection) -> None:
        """Let the others go on at once; if that can't be said, they find out."""
        try:
            leave = f'UPDATE {SCHEMA}.node SET "left" = true WHERE id = $1'
            await connection.execute(leave, self.id, timeout=1)
        except _LOSS as error:
            log.info("node left without a word", why=str(error))

    async def _touch(self, connection: asyncpg.Connection, change: str) -> None:
        """Change our own row. Raises `_Buried` when there is none any more."""
        done = await connection.execute(f"UPDATE {SCHEMA}.node SET {change} WHERE id = $1", self.id)
        if done == "UPDATE 0":
            raise _Buried

    async def _peers(self, connection: asyncpg.Connection) -> Sequence[asyncpg.Record]:
        """The next few in the ring of ids, so that everybody is watched by somebody."""
        rows = await connection.fetch(
            f'SELECT id, number, pid, beat, "left" FROM {SCHEMA}.node WHERE id <> $1 ORDER BY id <= $1, id '
            "LIMIT $2",
            self.id,
            WATCHED,
        )
        return list(rows)

    async def _look(
        self, connection: asyncpg.Connection, peer: asyncpg.Record, seen: dict[str, _Seen]
    ) -> None:
        now = time.monotonic()
        known = seen.setdefault(peer["id"], _Seen(peer["beat"], now))
        if known.beat != peer["beat"]:
            known.beat, known.since = peer["beat"], now
        hangs = now - known.since > self._timing.silence
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", peer["number"]):
            known.free_since = None
            if hangs:
                log.warning("node hangs, ending its session", node=peer["id"])
                await self._end_session(connection, peer)
            return
        known.free_since = known.free_since or now
        try:
            if peer["left"] or hangs or now - known.free_since > self._timing.grace:
                await self._bury(connection, peer["id"])
                seen.pop(peer["id"])
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", peer["number"])

    async def _end_session(self, connection: asyncpg.Connection, peer: asyncpg.Record) -> None:
        """Take the lock from a process that stands still; when it wakes, it finds its connection gone."""
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND pid = $1 AND classid::bigint << 32 | objid::bigint = $2 AND objsubid = 1",
            peer["pid"],
            peer["number"],
        )

    async def _bury(self, connection: asyncpg.Connection, id_: str) -> None:
        log.warning("node gone, its tasks go on elsewhere", node=id_)
        burial = asyncio.ensure_future(self._on_death(id_))
        try:
            # The dead may hold rows until their server ends the session: whoever waits for it lives on.
            while not (await asyncio.wait([burial], timeout=self._timing.heartbeat))[0]:
                await self._touch(connection, _BEAT)
        finally:
            burial.cancel()
        await burial
        await connection.execute(f"DELETE FROM {SCHEMA}.node WHERE id = $1", id_)
