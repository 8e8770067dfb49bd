"""Fault injection for tests: refusals, HTTP errors, lost replies and delays, by method."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one call.

    `error` and `status` replace its answer. A lost or delayed call is still carried out: `delay` passes
    before the work, `delay_reply` between the work and its answer, both in seconds.
    """

    error: str | None = None
    status: int = 200
    retry_after: int | None = None
    lost: bool = False
    delay: float = 0.0
    delay_reply: float = 0.0

    @property
    def answers(self) -> bool:
        return self.error is not None or self.status != 200


class Faults:
    """The faults still to come, in order, by method."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[Fault]] = defaultdict(deque)

    def add(self, method: str, fault: Fault, times: int) -> None:
        self._waiting[method].extend([fault] * times)

    def take(self, method: str) -> Fault | None:
        waiting = self._waiting.get(method)
        return waiting.popleft() if waiting else None

    def clear(self) -> None:
        self._waiting.clear()
