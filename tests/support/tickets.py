"""The tickets that a store queues, for tests without an engine."""

from __future__ import annotations

from tasks.store.database import Database
from tasks.task import Ticket


class Tickets:
    """Collects what transactions of a database queue."""

    def __init__(self, database: Database) -> None:
        self._queued: list[Ticket] = []
        database.on_queued = self._queued.append

    def pop(self) -> list[Ticket]:
        """What was queued since the last call."""
        queued = list(self._queued)
        self._queued.clear()
        return queued

    def pop_ids(self) -> list[str]:
        return [ticket.task for ticket in self.pop()]
