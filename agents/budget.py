"""How much an agent may use, and how much it has used.

A worker's meter is a child of its task's: what it spends counts there too, and it never gets more than
the task has left. Never stops anything by itself: the loop asks and acts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one agent. Seconds are wall-clock; tokens are input plus output as the endpoint counts."""

    turns: int
    seconds: float
    tokens: int


#: How long the last turn at a limit may take.
LAST_TURN_SECONDS = 45.0

#: Effort levels a worker can be given (turns, seconds, tokens).
EFFORT = {
    "quick": Budget(6, 90, 40_000),
    "normal": Budget(15, 300, 150_000),
    "deep": Budget(40, 900, 500_000),
}


class Meter:
    """Counts one agent's use against its budget."""

    def __init__(self, budget: Budget, parent: Meter | None = None) -> None:
        self.budget = budget
        self.turns = 0
        self.tokens = 0
        self._parent = parent
        self._began = time.monotonic()
        self.deadline = self._began + budget.seconds
        if parent is not None:
            self.deadline = min(self.deadline, parent.deadline - self._reserve(parent))

    @staticmethod
    def _reserve(parent: Meter) -> float:
        """Seconds that a parent keeps, so that a child cut at its limit can still hand back what it has."""
        return min(LAST_TURN_SECONDS, 0.2 * max(parent.deadline - time.monotonic(), 0.0))

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def child(self, budget: Budget) -> Meter:
        return Meter(budget, self)

    def turn(self, tokens: int) -> None:
        """Count one model turn, here and in every ancestor's tokens."""
        self.turns += 1
        self.spend(tokens)

    def spend(self, tokens: int) -> None:
        self.tokens += tokens
        if self._parent is not None:
            self._parent.spend(tokens)

    def exceeded(self) -> str:
        """The limit that is reached, in words that fit "Stopped: …"; empty while there is room."""
        if self.turns >= self.budget.turns:
            return f"the limit of {self.budget.turns} turns is reached"
        if time.monotonic() >= self.deadline:
            return self.time_is_up
        if self.tokens >= self.budget.tokens:
            return f"the limit of {self.budget.tokens:,} tokens is reached"
        if self._parent is not None and self._parent.tokens >= self._parent.budget.tokens:
            return f"the task's limit of {self._parent.budget.tokens:,} tokens is reached"
        return ""

    @property
    def time_is_up(self) -> str:
        return f"the time limit of {self.deadline - self._began:.0f} seconds is reached"
