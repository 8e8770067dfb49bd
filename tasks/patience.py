"""Faults of the database that pass by themselves, told apart from those that don't, and waiting for them.

Nothing that was paid for is dropped because a server restarts or a disk is full for a while: the work stands
still until its entry is written. Never knows what is safe to repeat: that is the caller's care.
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

#: Seconds before the second try; doubled for each further one up to the longest.
FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0
#: PostgreSQL's classes of errors that a later try need not meet: connection, resources, shutdown, and those
#: by which it asks for a transaction to be repeated, the last because this process stood still in the middle
#: of it (postgresql.org/docs/current/errcodes-appendix.html).
_PASSING_CLASSES = ("08", "53", "57")
_PASSING_STATES = {"40001", "40P01", "25P03"}


def trouble(error: BaseException) -> str:
    """What is the matter, if it passes by itself; empty for every other error."""
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
    return ""


async def patiently(
    work: Callable[[], Awaitable[T]], *, seconds: float, tell: Callable[[str], None] = lambda _: None
) -> T:
    """The result of `work`, tried again for `seconds` while its faults are passing ones.

    `work` is one transaction that may be repeated even where an earlier try was committed unseen. `tell` gets
    the trouble of each failed try, and "" after the one that succeeds.
    """
    loop = asyncio.get_running_loop()
    until, wait = loop.time() + seconds, FIRST_WAIT
    while True:
        try:
            result = await work()
        except Exception as error:
            words = trouble(error)
            if words:
                tell(words)
            if not words or loop.time() + wait > until:
                raise
            log.warning("database in trouble, trying again", trouble=words, wait=wait)
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
        else:
            tell("")
            return result
