"""Retries transient database errors.

A server that restarts, a full disk or the restore of a backup costs no paid work: the task waits until its
entry is written. Only the caller knows what is safe to repeat.
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

#: Every error of a database that is away, refuses or does not exist; not all of asyncpg's errors are wrapped.
DATABASE_ERRORS = (DBAPIError, OSError, TimeoutError, PoolTimeout)
#: PostgreSQL's transient errors: the classes connection, resources and shutdown, and the states that ask for
#: a retry of the transaction, the last of them because this process stood still in the middle of it
#: (postgresql.org/docs/current/errcodes-appendix.html).
_TRANSIENT_CLASSES = ("08", "53", "57")
_TRANSIENT_STATES = {"40001", "40P01", "25P03"}
_READ_ONLY = (
    "the database is read-only; after a failover HANDOFF_DATABASE_URL must lead to the server that takes "
    "writes"
)
_GONE = (
    "tables of the database are missing; stop Handoff, restore the backup and start it again (without one a "
    "start makes empty tables)"
)
#: What an operator can fix, by PostgreSQL's state or class, and by SQLite's message.
_FIXABLE = {
    "25006": _READ_ONLY, "28": "the database refuses the login", "3D": "the database is not there",
    "42501": "the database's user may not use its tables", "42P01": _GONE, "3F": _GONE,
}  # fmt: skip
_FIXABLE_SQLITE = {
    "readonly database": _READ_ONLY, "no such table": _GONE, "disk I/O error": "the database's disk fails",
    "unable to open database file": "the database's file can't be opened",
}  # fmt: skip


def describe_outage(error: BaseException) -> str:
    """What is wrong with the database, if it is transient or an operator can fix it; empty for the rest."""
    if isinstance(error, DBAPIError):
        return _of_driver(error)
    if isinstance(error, OSError | TimeoutError | PoolTimeout):
        return "the database can't be reached"
    return ""


def _of_driver(error: DBAPIError) -> str:
    state, words = getattr(error.orig, "sqlstate", None) or "", str(error.orig)
    if "disk is full" in words or state == "53100":
        return "the disk of the database is full"
    if "database is locked" in words or state in _TRANSIENT_STATES:
        return "the database is busy"
    if (
        error.connection_invalidated
        or state.startswith(_TRANSIENT_CLASSES)
        or "connection is closed" in words
    ):
        return "the database can't be reached"
    if state:
        return _FIXABLE.get(state) or _FIXABLE.get(state[:2], "")
    return next((sentence for sign, sentence in _FIXABLE_SQLITE.items() if sign in words), "")


async def retrying(
    work: Callable[[], Awaitable[T]], *, seconds: float, waits: tuple[float, float],
    on_outage: Callable[[str], None] = lambda _: None,
) -> T:  # fmt: skip
    """The result of `work`, retried for `seconds` while its errors are transient.

    `work` is one transaction that may be repeated even if an earlier try was committed unseen. `waits` are
    the seconds before the second try, doubled for each further one, and the longest wait. `on_outage` gets
    the description of each failed try, and "" after the one that succeeds.
    """
    loop = asyncio.get_running_loop()
    until, (first, longest) = loop.time() + seconds, waits
    wait = first
    while True:
        try:
            result = await work()
        except Exception as error:
            outage = describe_outage(error)
            if outage:
                on_outage(outage)
            if not outage or loop.time() + wait > until:
                raise
            # One warning for each caller: an hour without a database would fill the log.
            (log.warning if wait == first else log.debug)("database unavailable, retrying", why=outage)
            await asyncio.sleep(wait)
            wait = min(2 * wait, longest)
        else:
            on_outage("")
            return result
