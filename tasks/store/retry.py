"""Faults of the database that pass, by themselves or by its operator's hand, and waiting for them.

Nothing that was paid for is dropped because a server restarts, a disk is full for a while or a backup is put
back: the work stands still until its entry is written. Never knows what is safe to repeat: that is for the
caller to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

T = TypeVar("T")
log = structlog.get_logger(__name__)

#: What a database that is away, refuses, or is none raises; asyncpg's own errors are not all wrapped.
FAULTS = (DBAPIError, OSError, TimeoutError, PoolTimeout)
#: PostgreSQL's classes of errors that a later try need not meet: connection, resources, shutdown, and those
#: by which it asks for a transaction to be repeated, the last because this process stood still in the middle
#: of it (postgresql.org/docs/current/errcodes-appendix.html).
_PASSING_CLASSES = ("08", "53", "57")
_PASSING_STATES = {"40001", "40P01", "25P03"}
_READ_ONLY = (
    "the database is read-only; after a failover HANDOFF_DATABASE_URL must lead to the server that takes "
    "writes"
)
_GONE = (
    "tables of the database are missing; stop Handoff, restore the backup and start it again (without one a "
    "start makes empty tables)"
)
#: What an operator mends, by PostgreSQL's error or its class, and by SQLite's words.
_MENDED = {
    "25006": _READ_ONLY, "28": "the database refuses the login", "3D": "the database is not there",
    "42501": "the database's user may not use its tables", "42P01": _GONE, "3F": _GONE,
}  # fmt: skip
_MENDED_SQLITE = {
    "readonly database": _READ_ONLY, "no such table": _GONE, "disk I/O error": "the database's disk fails",
    "unable to open database file": "the database's file can't be opened",
}  # fmt: skip


def trouble(error: BaseException) -> str:
    """What is the matter, if it passes by itself or can be mended from outside; empty for the rest."""
    if isinstance(error, DBAPIError):
        return _of_driver(error)
    if isinstance(error, OSError | TimeoutError | PoolTimeout):
        return "the database can't be reached"
    return ""


def _of_driver(error: DBAPIError) -> str:
    state, words = getattr(error.orig, "sqlstate", None) or "", str(error.orig)
    if "disk is full" in words or state == "53100":
        return "the disk of the database is full"
    if "database is locked" in words or state in _PASSING_STATES:
        return "the database is busy"
    if error.connection_invalidated or state.startswith(_PASSING_CLASSES) or "connection is closed" in words:
        return "the database can't be reached"
    if state:
        return _MENDED.get(state) or _MENDED.get(state[:2], "")
    return next((told for sign, told in _MENDED_SQLITE.items() if sign in words), "")


async def retrying(
    work: Callable[[], Awaitable[T]], *, seconds: float, waits: tuple[float, float],
    tell: Callable[[str], None] = lambda _: None,
) -> T:  # fmt: skip
    """The result of `work`, tried again for `seconds` while its faults are passing ones.

    `work` is one transaction that may be repeated even where an earlier try was committed unseen. The
    seconds of `waits` are those before the second try, doubled for each further one, and their most. `tell`
    gets the trouble of each failed try, and "" after the one that succeeds.
    """
    loop = asyncio.get_running_loop()
    until, (first, longest) = loop.time() + seconds, waits
    wait = first
    while True:
        try:
            result = await work()
        except Exception as error:
            words = trouble(error)
            if words:
                tell(words)
            if not words or loop.time() + wait > until:
                raise
            # Once for each that waits: an hour without a database would fill the log.
            (log.warning if wait == first else log.debug)(
                "database in trouble, tried again until it serves", trouble=words
            )
            await asyncio.sleep(wait)
            wait = min(2 * wait, longest)
        else:
            tell("")
            return result
