"""This process as one node on a PostgreSQL database: its advisory lock and heartbeat, and its watch over
peers.

A node that died, left or hangs loses its tasks to the others. One that only lost its connection has a few
seconds to reconnect.
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
from tasks.store.postgres import connect
from tasks.timing import TaskTiming

log = structlog.get_logger(__name__)

#: Peers that each node watches: with all of them, queries would grow with the square of their number.
WATCHED = 3

_HEARTBEAT = "beat = beat + 1"
#: The number of a session's advisory lock in `pg_locks`.
_ADVISORY = "locktype = 'advisory' AND granted AND objsubid = 1 AND classid::bigint << 32 | objid::bigint"
#: Beats for node $1. A row for each of its next $2 peers, or an empty one; none when node $1 has no row.
_BEAT = (
    f"WITH mine AS (UPDATE {SCHEMA}.node SET {_HEARTBEAT} WHERE id = $1 RETURNING 1), peers AS ("
    f'SELECT id, number, pid, beat, "left", EXISTS (SELECT FROM pg_locks WHERE {_ADVISORY} = number) AS held '
    f"FROM {SCHEMA}.node WHERE id <> $1 ORDER BY id <= $1, id LIMIT $2) "
    "SELECT peers.* FROM mine LEFT JOIN peers ON true"
)
#: Errors of a lost connection; the last one is raised in a process that was suspended during an answer.
_LOSS = (
    OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError,
)  # fmt: skip


class _DeclaredDead(Exception):
    """Peers have declared this node dead."""


@dataclass(slots=True)
class _Observed:
    """What was observed of a peer, on our own clock: theirs may jump."""

    beat: int
    since: float
    free_since: float | None = None


class Node:
    """`on_death` gets the id of a dead node, for one node of all to requeue its tasks; `on_notify` the id of
    a task that was notified."""

    def __init__(
        self,
        url: URL,
        id_: str,
        *,
        on_death: Callable[[str], Awaitable[None]],
        on_notify: Callable[[str], None],
        timing: TaskTiming,
        is_healthy: bool = True,
    ) -> None:
        self._is_healthy = is_healthy
        self._timing = timing
        self.id = id_
        self._url = url
        self._number = int(id_[:15], 16)
        self._on_death = on_death
        self._on_notify = on_notify
        self._up = asyncio.Event()
        self._lost = ""

    async def wait_until_up(self) -> None:
        """Return when peers see this node."""
        await self._up.wait()

    async def run(self) -> None:
        """Run until cancelled, reconnecting after each loss of the connection. Returns when peers have
        declared this node dead: its tasks are theirs, and its id must not be used again."""
        while True:
            try:
                await self._run_connected()
            except _DeclaredDead:
                log.warning("node was declared dead by its peers", node=self.id)
                return
            except _LOSS as error:
                self._log_loss(str(error) or repr(error))
            except Exception:
                # The driver raises more errors for a broken connection than it documents.
                log.exception("node failed, reconnecting")
            await asyncio.sleep(self._timing.heartbeat)

    async def _run_connected(self) -> None:
        connection = await connect(self._url, self._timing, command_timeout=self._timing.node_answer)
        try:
            await self._join(connection)
            await connection.add_listener(CHANNEL, lambda *words: self._on_notify(str(words[-1])))
            self._log_reconnect()
            seen: dict[str, _Observed] = {}
            while True:
                for peer in await self._beat(connection):
                    await self._watch(connection, peer, seen)
                await asyncio.sleep(self._timing.heartbeat)
        except asyncio.CancelledError:
            await self._leave(connection)
            raise
        finally:
            connection.terminate()

    def _log_loss(self, why: str) -> None:
        """Log once for each reason: reconnects are tried twice a second."""
        if why != self._lost:
            log.warning("node lost its database connection, reconnecting", why=why)
        self._lost = why

    def _log_reconnect(self) -> None:
        if self._lost:
            log.info("node reconnected", node=self.id)
        self._lost = ""

    async def _join(self, connection: asyncpg.Connection) -> None:
        # Held by a peer that takes our tasks over, or by our own lost session until the server notices.
        await connection.execute("SELECT pg_advisory_lock($1)", self._number)
        if self._up.is_set():
            await self._update(connection, "pid = pg_backend_pid()")
            return
        await connection.execute(
            f'INSERT INTO {SCHEMA}.node (id, number, pid, beat, "left", healthy) '
            "VALUES ($1, $2, pg_backend_pid(), 0, false, $3) "
            "ON CONFLICT (id) DO UPDATE SET pid = excluded.pid",
            self.id,
            self._number,
            self._is_healthy,
        )
        self._up.set()
        log.info("node joined", node=self.id)

    async def _leave(self, connection: asyncpg.Connection) -> None:
        """Have the peers take over at once; if this fails, they notice after the grace period."""
        try:
            leave = f'UPDATE {SCHEMA}.node SET "left" = true WHERE id = $1'
            await connection.execute(leave, self.id, timeout=1)
        except _LOSS as error:
            log.info("node left without notice", why=str(error))

    async def _update(self, connection: asyncpg.Connection, change: str) -> None:
        """Update our own row. Raises `_DeclaredDead` when it was deleted."""
        done = await connection.execute(f"UPDATE {SCHEMA}.node SET {change} WHERE id = $1", self.id)
        if done == "UPDATE 0":
            raise _DeclaredDead

    async def _beat(self, connection: asyncpg.Connection) -> Sequence[asyncpg.Record]:
        """Beat, and read the next few peers in the ring of ids, so that every node is watched; `held`: its
        lock is taken. Raises `_DeclaredDead` when our own row was deleted."""
        rows = await connection.fetch(_BEAT, self.id, WATCHED)
        if not rows:
            raise _DeclaredDead
        return [row for row in rows if row["id"]]

    async def _watch(
        self, connection: asyncpg.Connection, peer: asyncpg.Record, seen: dict[str, _Observed]
    ) -> None:
        now = time.monotonic()
        known = seen.setdefault(peer["id"], _Observed(peer["beat"], now))
        if known.beat != peer["beat"]:
            known.beat, known.since = peer["beat"], now
        hangs = now - known.since > self._timing.silence
        take = "SELECT pg_try_advisory_lock($1)"
        if peer["held"] or not await connection.fetchval(take, peer["number"]):
            known.free_since = None
            if hangs:
                log.warning("node hangs, ending its session", node=peer["id"])
                await self._end_session(connection, peer)
            return
        known.free_since = known.free_since or now
        try:
            if peer["left"] or hangs or now - known.free_since > self._timing.grace:
                await self._declare_dead(connection, peer["id"])
                seen.pop(peer["id"])
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", peer["number"])

    async def _end_session(self, connection: asyncpg.Connection, peer: asyncpg.Record) -> None:
        """Take the lock from a hanging process by ending its session."""
        await connection.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE pid = $1 AND {_ADVISORY} = $2",
            peer["pid"],
            peer["number"],
        )

    async def _declare_dead(self, connection: asyncpg.Connection, id_: str) -> None:
        log.warning("node is dead, taking its tasks over", node=id_)
        takeover = asyncio.ensure_future(self._on_death(id_))
        try:
            # The dead node's session may hold row locks for a while. We keep our heartbeat while we wait.
            while not (await asyncio.wait([takeover], timeout=self._timing.heartbeat))[0]:
                await self._update(connection, _HEARTBEAT)
        finally:
            takeover.cancel()
        await takeover
        await connection.execute(f"DELETE FROM {SCHEMA}.node WHERE id = $1", id_)
