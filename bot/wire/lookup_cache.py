"""What Slack says of its users and channels, cached by workspace and id."""

from __future__ import annotations

import time
from typing import Generic, TypeVar

T = TypeVar("T")

#: Entries of one cache; beyond that the oldest are dropped.
MOST = 10_000


class LookupCache(Generic[T]):
    """An entry is fresh for `seconds`. An older one is still the last that is known."""

    def __init__(self, seconds: float, unknown: T) -> None:
        """`unknown` stands for what was not looked up."""
        self._seconds = seconds
        self._unknown = unknown
        self._found: dict[tuple[str, str], tuple[float, T]] = {}

    def known(self, team: str, id_: str) -> T:
        """The last known entry, however old."""
        found = self._found.get((team, id_))
        return self._unknown if found is None else found[1]

    def is_fresh(self, team: str, id_: str) -> bool:
        found = self._found.get((team, id_))
        return found is not None and time.monotonic() - found[0] < self._seconds

    def keep(self, team: str, id_: str, value: T) -> None:
        while len(self._found) >= MOST:
            del self._found[next(iter(self._found))]
        self._found[team, id_] = (time.monotonic(), value)
