"""A fair queue of calls that wait for a container: people take turns, and so do the tasks of each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.job import Queue

if TYPE_CHECKING:
    from sandbox.container import Container


@dataclass(frozen=True, slots=True, eq=False)
class Waiter:
    """One waiting call. The future gets its container, or the reason why there is none."""

    flavour: str
    queue: Queue
    container: asyncio.Future[Container]


class FairQueue:
    """Next is a call of the person with the fewest containers, or of equals the one served longest ago.

    The same holds between the tasks of a person. The oldest call of a task comes first.
    """

    def __init__(self) -> None:
        self._waiting: list[Waiter] = []
        self._busy: Counter[Queue] = Counter()
        self._served: dict[Queue, int] = {}
        self._turns = 0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, flavour: str, queue: Queue) -> Waiter:
        """A call that waits from now on."""
        waiter = Waiter(flavour, queue, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        return waiter

    def remove(self, waiter: Waiter) -> None:
        """Forget a call that waits no longer."""
        self._waiting = [other for other in self._waiting if other is not waiter]

    def next(self) -> Waiter | None:
        """The call whose turn it is, which leaves the queue; None when none waits."""
        waiting = [waiter for waiter in self._waiting if not waiter.container.done()]
        waiter = min(waiting, key=self._rank, default=None)  # the first of equals is the oldest
        self._waiting = [other for other in waiting if other is not waiter]
        return waiter

    def flavours(self) -> list[str]:
        """The flavours wanted by the waiting calls."""
        return [waiter.flavour for waiter in self._waiting if not waiter.container.done()]

    def took(self, queue: Queue) -> None:
        """Count a container that a call got."""
        self._turns += 1
        for part in _parts(queue):
            self._busy[part] += 1
            self._served[part] = self._turns

    def released(self, queue: Queue) -> None:
        """Count a container whose call has ended."""
        self._busy.subtract(_parts(queue))
        wanted = {part for waiter in self._waiting for part in _parts(waiter.queue)}
        self._busy = +self._busy
        self._served = {p: turn for p, turn in self._served.items() if p in self._busy or p in wanted}

    def _rank(self, waiter: Waiter) -> list[tuple[int, int]]:
        return [(self._busy[part], self._served.get(part, 0)) for part in _parts(waiter.queue)]


def _parts(queue: Queue) -> Iterator[Queue]:
    """The person, then the person's task."""
    return (queue[: end + 1] for end in range(len(queue)))
