"""Standing orders: what many cost an idle process, how late a run begins, what a watch costs a message.

The due look works on a real database, with nothing of Slack. Without PostgreSQL's programs, its part is
left out.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import structlog
from sqlalchemy import insert

from benchmarks.table import p99
from bot.timing import STANDARD
from tasks.message import Message
from tasks.orders.due import DueOrders
from tasks.orders.order import Firing, Order, OrderKind, OrderLimits, OrderState
from tasks.orders.rows import order_row
from tasks.orders.store import OrderStore
from tasks.orders.watches import Watches
from tasks.store import schema
from tasks.store.clock import DatabaseClock
from tasks.store.database import Database
from tasks.store.tasks import Accepted, TaskStore

#: Schedules that are not due, and those that become due within the seconds of `SPREAD`.
ORDERS, FIRED, SPREAD = 10_000, 300, 30
#: Watches of one channel, and the messages that they are compared with.
WATCHES, MESSAGES = 20, 1_000
#: Seconds of an idle measurement.
IDLE = 15.0
#: Smaller sizes for a quick run: `python -m benchmarks --small`.
SMALL = {"ORDERS": 20, "FIRED": 4, "SPREAD": 2, "MESSAGES": 10, "IDLE": 0.2}
_SCHEDULE = Order(
    id="", team="T1", channel="C1", owner="U", owner_name="Ann", kind=OrderKind.SCHEDULE, title="Numbers",
    task="Post the numbers.", when="0 8 1 1 *", state=OrderState.ACTIVE,
)  # fmt: skip
_WORDS = "a message about nothing in particular, as people write them all day long, " * 20


@dataclass
class InstantThreads:
    """Threads that are there at once."""

    opened: int = 0

    async def refusal(self, order: Order) -> str:
        return ""

    async def open(self, order: Order, firing: Firing, *, again: bool) -> str:
        self.opened += 1
        return f"{self.opened}.000001"

    async def request(self, order: Order, firing: Firing, last_answer: str) -> str:
        return order.task

    async def paused(self, order: Order) -> None:
        raise AssertionError(f"{order} was paused")


@dataclass
class TimedTasks:
    """Accepts the tasks of runs, and measures how late each is."""

    tasks: TaskStore
    due_at: dict[str, float] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    all_came: asyncio.Event = field(default_factory=asyncio.Event)

    async def accept(self, message: Message) -> Accepted:
        accepted = await self.tasks.accept(message)
        self.delays.append(time.time() - self.due_at[message.user])
        if len(self.delays) == FIRED:
            self.all_came.set()
        return accepted


async def measure(url: str) -> tuple[float, list[float], float]:
    """Percent of a core while nothing is due, the delays of runs in seconds, and a message's seconds."""
    database = Database(url)
    await database.open()
    store = OrderStore(database)
    watches, timed = Watches(store), TimedTasks(TaskStore(database))
    due = DueOrders(
        store, InstantThreads(), timed.accept, limits=OrderLimits(), watches=watches,
        clock=DatabaseClock(database, time.time), period=STANDARD.orders, lease=60.0,
    )  # fmt: skip
    later = time.time() + 86_400
    await _put(database, [replace(_SCHEDULE, id=f"o{n}", next_at=later + n) for n in range(ORDERS)])
    watch = replace(
        _SCHEDULE, kind=OrderKind.WATCH, when="", pattern="outage, incident, sev1, deploy*, on call"
    )
    await _put(database, [replace(watch, id=f"w{n}") for n in range(WATCHES)])
    async with due.running():
        await asyncio.sleep(min(2.0, IDLE))
        before, began = time.process_time(), time.perf_counter()
        await asyncio.sleep(IDLE)
        idle = (time.process_time() - before) / (time.perf_counter() - began) * 100
        await _put(database, _due_soon(timed))
        await timed.all_came.wait()
    began = time.process_time()
    for _ in range(MESSAGES):
        assert not watches.matching("T1", "C1", _WORDS, by_app=True)
    message = (time.process_time() - began) / MESSAGES
    await database.close()
    return idle, timed.delays, message


def _due_soon(timed: TimedTasks) -> list[Order]:
    """Orders for once, at whole seconds."""
    first = int(time.time()) + 2
    orders = []
    for n in range(FIRED):
        at = first + n * SPREAD // FIRED
        when = datetime.fromtimestamp(at, UTC).isoformat()
        timed.due_at[f"U{n}"] = at
        orders.append(replace(_SCHEDULE, id=f"s{n}", owner=f"U{n}", when=when, next_at=float(at)))
    return orders


async def _put(database: Database, orders: list[Order]) -> None:
    async with database.write() as connection:
        for start in range(0, len(orders), 500):
            rows = [order_row(order) for order in orders[start : start + 500]]
            await connection.execute(insert(schema.standing_order), rows)


async def main() -> None:
    from tests.support.postgres import postgres

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    print("| database | idle, % of a core | a run begins late, p50 s | p99 s | a message, ms |")
    print("|---|---|---|---|---|")
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        urls = {"SQLite": f"sqlite:///{Path(folder) / 'handoff.db'}"}
        try:
            urls["PostgreSQL"] = stack.enter_context(postgres()).create()
        except RuntimeError as missing:
            print(missing, file=sys.stderr)
        for name, url in urls.items():
            idle, delays, message = await measure(url)
            print(
                f"| {name} | {idle:.1f} | {median(delays):.2f} | {p99(delays):.2f} | {message * 1000:.3f} |"
            )
