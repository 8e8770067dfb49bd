"""The database's clock, for what several processes decide by the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy import Float, cast, func, select

from tasks.store.database import Database

log = structlog.get_logger(__name__)

#: Seconds between two comparisons of the clocks.
_PERIOD: Final = 60.0
#: Seconds that two clocks may differ unnoticed: a comparison over a slow network is no better.
_TOLERANCE: Final = 2.0


class DatabaseClock:
    """`clock` in seconds since 1970, less what this machine's clock is ahead of the database's.

    `machine` is this machine's clock. On SQLite there is one machine, and nothing is compared."""

    def __init__(
        self, database: Database, clock: Callable[[], float], *, machine: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._clock, self._machine = clock, machine
        self._ahead = 0.0
        self._compared_at = float("-inf")

    def __call__(self) -> float:
        return self._clock() - self._ahead

    async def compare(self) -> None:
        """Compare both clocks, at most once a minute."""
        if self._database.is_sqlite or time.monotonic() - self._compared_at < _PERIOD:
            return
        epoch = select(cast(func.extract("epoch", func.clock_timestamp()), Float))
        before = self._machine()
        async with self._database.read() as connection:
            there = (await connection.execute(epoch)).scalar_one()
        ahead = (before + self._machine()) / 2 - there
        ahead = ahead if abs(ahead) > _TOLERANCE else 0.0
        if abs(ahead - self._ahead) > _TOLERANCE:
            log.warning(
                "clock of this machine differs from the database's, set it by NTP", seconds=round(ahead)
            )
        self._ahead, self._compared_at = ahead, time.monotonic()
