"""The active watches, in memory: a message that matches none costs no query."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tasks.orders.order import MessageSource, Order
from tasks.orders.pattern import matches, phrases
from tasks.orders.store import OrderStore

#: Seconds after which the watches are read again in any case.
_AT_LEAST = 60.0


@dataclass
class Watches:
    """Read again when the due look sees that a watch was changed."""

    store: OrderStore
    _changed_at: float = 0.0
    _read_at: float = -math.inf
    _by_channel: dict[tuple[str, str], list[tuple[Order, tuple[str, ...]]]] = field(default_factory=dict)

    async def refresh(self, changed_at: float) -> None:
        """Read the watches again unless that is done since `changed_at`. Once in a while they are read
        anyway: of two changes at the same moment, one may have been committed later."""
        if changed_at == self._changed_at and time.monotonic() - self._read_at < _AT_LEAST:
            return
        found = defaultdict(list)
        for order in await self.store.watches():
            found[order.team, order.channel].append((order, phrases(order.pattern)))
        self._by_channel, self._changed_at, self._read_at = dict(found), changed_at, time.monotonic()

    def matching(self, team: str, channel: str, text: str, *, by_app: bool) -> Sequence[Order]:
        """The watches that take a message, by id."""
        source = MessageSource.APPS if by_app else MessageSource.PEOPLE
        return [
            order
            for order, wanted in self._by_channel.get((team, channel), ())
            if order.source in (MessageSource.ALL, source) and matches(wanted, text)
        ]
