"""Standing orders on the real databases: each firing happens once, whatever dies and however time jumps."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from tasks.message import Message, ThreadAddress
from tasks.orders.due import ANSWERS_ITSELF, DueOrders, NotNow, OrderBlocked
from tasks.orders.order import Firing, Order, OrderKind, OrderLimits, OrderState
from tasks.orders.store import OrderStore
from tasks.orders.watches import Watches
from tasks.store import schema
from tasks.store.clock import DatabaseClock
from tasks.store.database import Database
from tasks.store.tasks import TaskStore
from tasks.task import State
from tests.support.databases import opened

START = datetime(2026, 12, 1, 7, 0, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86_400.0
DAILY = Order(
    id="", team="T1", channel="C1", owner="U1", owner_name="Ann", kind=OrderKind.SCHEDULE, title="Numbers",
    task="Post the numbers.", when="0 8 * * *",
)  # fmt: skip


@dataclass
class InMemoryOrderThreads:
    """Stands for Slack: the first messages of firings, by order and occasion."""

    posts: dict[tuple[str, str], str] = field(default_factory=dict)
    told: list[Order] = field(default_factory=list)
    requests: list[tuple[int, str]] = field(default_factory=list)
    no: str = ""
    blocked: str = ""
    away: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Posts wait while it is not set."""

    def __post_init__(self) -> None:
        self.gate.set()

    async def refusal(self, order: Order) -> str:
        await asyncio.sleep(0)
        if self.away:
            raise NotNow("Slack is away")
        return self.no

    async def open(self, order: Order, firing: Firing, *, again: bool) -> str:
        if self.blocked:
            raise OrderBlocked(self.blocked)
        await self.gate.wait()
        await asyncio.sleep(0)
        key = (firing.order, firing.occasion)
        return self.posts.setdefault(key, f"{1_000 + len(self.posts)}.000001")

    async def request(self, order: Order, firing: Firing, last_answer: str) -> str:
        self.requests.append((firing.missed, last_answer))
        return order.task

    async def paused(self, order: Order) -> None:
        self.told.append(order)


@dataclass
class OrderHarness:
    """One node's look at the orders, with a clock that the test sets."""

    database: Database
    threads: InMemoryOrderThreads = field(default_factory=InMemoryOrderThreads)
    now: float = START
    lease: float = 60.0
    renewal: float | None = None
    ahead: float = 0.0
    """What its machine's clock is ahead of the database's."""

    def _machine(self) -> float:
        return time.time() + self.ahead

    def __post_init__(self) -> None:
        self.store = OrderStore(self.database)
        self.watches = Watches(self.store)
        self.tasks = TaskStore(self.database)
        self.due = DueOrders(
            self.store, self.threads, self.tasks.accept, limits=OrderLimits(), watches=self.watches,
            clock=DatabaseClock(self.database, lambda: self.now + self.ahead, machine=self._machine),
            period=0.01, lease=self.lease, renewal=self.renewal,
        )  # fmt: skip

    async def start(self, order: Order = DAILY) -> Order:
        active = await self.store.activate(await self.store.propose(order, self.now), self.now)
        assert active is not None
        return active

    async def look(self, now: float | None = None) -> None:
        self.now = self.now if now is None else now
        for work in await self.due.look():
            try:
                await work()
            except NotNow:
                continue

    async def end(self, firing: Firing, state: State, **values: object) -> None:
        async with self.database.write() as connection:
            mine = update(schema.task).where(schema.task.c.id == firing.task)
            await connection.execute(mine.values(state=state.value, **values))

    async def tasks_of(self, order: Order) -> list[str]:
        query = select(schema.firing.c.task).where(schema.firing.c.order_id == order.id)
        async with self.database.read() as connection:
            return list((await connection.execute(query)).scalars())


@pytest.fixture
def orders(database: Database) -> OrderHarness:
    return OrderHarness(database)


async def test_nothing_fires_before_start_and_then_each_time_fires_once(orders: OrderHarness) -> None:
    proposed = await orders.store.propose(DAILY, orders.now)
    await orders.look(START + 2 * DAY)
    assert await orders.tasks_of(proposed) == []
    orders.now = START
    order = await orders.store.activate(proposed, orders.now)
    assert order is not None
    await orders.look(START + HOUR - 1)
    assert await orders.tasks_of(order) == []
    for _ in range(3):
        await orders.look(START + HOUR)
    (task,) = await orders.tasks_of(order)
    found = await orders.tasks.task(task)
    assert found is not None
    assert (found.user, found.thread.channel, found.request) == ("U1", "C1", "Post the numbers.")
    assert found.thread.ts == found.message_ts


async def test_missed_times_are_made_up_once(orders: OrderHarness) -> None:
    order = await orders.start()
    await orders.look(START + 5 * DAY)
    await orders.look()
    assert len(await orders.tasks_of(order)) == 1
    assert orders.threads.requests == [(4, "")]


async def test_an_order_for_once_ends(orders: OrderHarness) -> None:
    order = await orders.start(replace(DAILY, when="2026-12-01T09:00+00:00"))
    await orders.look(START + 5 * HOUR)
    found = await orders.store.find(order.id)
    assert found is not None
    assert (found.state, found.next_at) == (OrderState.ENDED, None)
    assert len(await orders.tasks_of(order)) == 1


async def test_a_clock_that_jumps_neither_repeats_nor_stops_an_order(orders: OrderHarness) -> None:
    order = await orders.start()
    await orders.look(START + HOUR)
    await orders.look(START - 30 * DAY)
    await orders.look(START + HOUR)
    assert len(await orders.tasks_of(order)) == 1
    await orders.look(START + 3650 * DAY)
    await orders.look(START + 2 * HOUR)
    await orders.look(START + DAY + HOUR)
    assert len(await orders.tasks_of(order)) == 3


async def test_three_failures_in_a_row_pause_it_and_tell_the_owner(orders: OrderHarness) -> None:
    order = await orders.start()
    for day, state in enumerate([State.FAILED, State.ANSWERED, State.FAILED, State.EXPIRED, State.FAILED]):
        await orders.look(START + HOUR + day * DAY)
        firing = (await orders.store.latest(order.id))[0]
        await orders.end(firing, state, reason="No model.", answer=f"answer {day}")
        await orders.look()
    assert [told.reason for told in orders.threads.told] == ["No model."]
    assert orders.threads.requests[2] == (0, "answer 1")
    await orders.look(START + 30 * DAY)
    assert len(await orders.tasks_of(order)) == 5
    again = await orders.store.activate(orders.threads.told[0], orders.now)
    assert again is not None
    assert (again.failures, again.reason, again.state) == (0, "", OrderState.ACTIVE)


async def test_limits_of_its_owner_leave_a_run_out_and_count_as_failures(orders: OrderHarness) -> None:
    order = await orders.start()
    orders.threads.no = "You've reached your daily limit."
    for day in range(4):
        await orders.look(START + HOUR + day * DAY)
    assert await orders.tasks_of(order) == ["", "", ""]
    assert orders.threads.posts == {}
    assert [told.reason for told in orders.threads.told] == ["You've reached your daily limit."]


async def test_its_own_daily_budget_leaves_a_run_out(orders: OrderHarness) -> None:
    order = await orders.start(replace(DAILY, when="0 * * * *"))
    await orders.look(START + HOUR)
    firing = (await orders.store.latest(order.id))[0]
    await orders.end(firing, State.ANSWERED, tokens=2_000_000)
    await orders.look(START + 2 * HOUR)
    assert "2,000,000 tokens" in (await orders.store.latest(order.id))[0].reason
    await orders.look(START + 30 * HOUR)
    assert len([task for task in await orders.tasks_of(order) if task]) == 2


async def test_a_channel_that_is_gone_pauses_it_at_once(orders: OrderHarness) -> None:
    order = await orders.start()
    orders.threads.blocked = "The channel is archived."
    await orders.look(START + HOUR)
    found = await orders.store.find(order.id)
    assert found is not None
    assert (found.state, found.reason) == (OrderState.PAUSED, "The channel is archived.")
    assert [told.id for told in orders.threads.told] == [order.id]


async def test_slack_that_is_away_is_waited_for(orders: OrderHarness) -> None:
    order = await orders.start()
    orders.threads.away = True
    await orders.look(START + HOUR)
    orders.threads.away = False
    await orders.look(START + HOUR + 30)
    assert await orders.tasks_of(order) == [""]
    await orders.look(START + HOUR + 61)
    assert len([task for task in await orders.tasks_of(order) if task]) == 1


async def test_a_post_that_waits_for_long_keeps_its_claim(database: Database) -> None:
    orders = OrderHarness(database, renewal=0.02)
    other = OrderHarness(database, orders.threads)
    order = await orders.start()
    orders.threads.gate.clear()
    waiting = asyncio.create_task(orders.look(START + HOUR))
    await until_claimed(database, START + HOUR)
    orders.now += 50
    await until_claimed(database, START + HOUR + 50)
    await other.look(START + HOUR + 61)
    orders.threads.gate.set()
    await waiting
    assert len(orders.threads.posts) == len([task for task in await orders.tasks_of(order) if task]) == 1


async def test_a_post_is_given_up_when_another_process_has_its_claim(database: Database) -> None:
    orders = OrderHarness(database, renewal=0.02)
    order = await orders.start()
    orders.threads.gate.clear()
    waiting = asyncio.create_task(orders.look(START + HOUR))
    await until_claimed(database, START + HOUR)
    (firing,) = await orders.store.latest(order.id)
    assert await orders.store.reclaim(firing, START + HOUR + 99, lease=60)
    await waiting
    assert (orders.threads.posts, await orders.tasks_of(order)) == ({}, [""])
    orders.threads.gate.set()
    await OrderHarness(database, orders.threads).look(START + HOUR + 160)
    assert len(orders.threads.posts) == len([task for task in await orders.tasks_of(order) if task]) == 1


async def test_a_post_is_given_up_when_its_claim_cannot_be_renewed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = OrderHarness(database, lease=0.3)
    order = await orders.start()
    orders.threads.gate.clear()
    monkeypatch.setattr(orders.store, "renew", database_away)
    await orders.look(START + HOUR)
    assert (orders.threads.posts, await orders.tasks_of(order)) == ({}, [""])


async def database_away(*_: object) -> bool:
    await asyncio.sleep(0)
    raise ConnectionRefusedError


async def until_claimed(database: Database, at: float) -> None:
    """Returns when a firing is claimed at that time."""
    claimed = select(schema.firing.c.order_id).where(schema.firing.c.claimed_at == at)
    async with asyncio.timeout(10):
        while True:
            async with database.read() as connection:
                if (await connection.execute(claimed)).first():
                    return
            await asyncio.sleep(0.01)


async def test_run_now_is_a_further_run(orders: OrderHarness) -> None:
    order = await orders.start()
    assert await orders.due.fire_now(order) is not None
    assert await orders.due.fire_now(order) is None
    await orders.look(START + HOUR)
    assert len(await orders.tasks_of(order)) == 2


async def test_watches_are_read_again_when_one_changes(orders: OrderHarness) -> None:
    watch = replace(DAILY, kind=OrderKind.WATCH, when="", pattern="outage")
    await orders.look()
    assert not orders.watches.matching("T1", "C1", "An outage!", by_app=True)
    order = await orders.start(watch)
    await orders.look(START + 1)
    assert [one.id for one in orders.watches.matching("T1", "C1", "An outage!", by_app=True)] == [order.id]
    assert not orders.watches.matching("T1", "C2", "An outage!", by_app=True)
    assert not orders.watches.matching("T1", "C1", "All is well", by_app=False)
    await orders.store.delete(order.id, START + 2)
    await orders.look(START + 3)
    assert not orders.watches.matching("T1", "C1", "An outage!", by_app=True)


async def test_a_watch_runs_so_often_in_an_hour_and_rests_between_two_runs(orders: OrderHarness) -> None:
    limits = OrderLimits()
    order = await orders.start(replace(DAILY, kind=OrderKind.WATCH, when=""))

    async def take(n: int) -> bool:
        thread = ThreadAddress("T1", "C1", f"{n}.000001")
        return await orders.due.take(
            order, Message(thread=thread, ts=thread.ts, user="U1", user_name="Ann", text="!")
        )

    assert await take(0)
    orders.now += limits.cooldown - 1
    assert not await take(1)
    for n in range(2, 1 + limits.hourly):
        orders.now += limits.cooldown
        assert await take(n)
    orders.now += limits.cooldown
    assert not await take(98)
    orders.now += HOUR
    assert await take(99)


@pytest.mark.parametrize("same", [True, False], ids=["the same answer", "another answer each time"])
async def test_a_watch_whose_answers_another_app_repeats_is_paused_after_three_hops(
    orders: OrderHarness, same: bool
) -> None:
    order = await orders.start(replace(DAILY, kind=OrderKind.WATCH, when=""))

    async def take(said: str) -> bool:
        orders.now += OrderLimits().cooldown
        thread = ThreadAddress("T1", "C1", f"{orders.now:.6f}")
        text = f"{order.task}\n> {said}"
        return await orders.due.take(
            order, Message(thread=thread, ts=thread.ts, user="U1", user_name="Ann", text=text)
        )

    async def answer(said: str) -> None:
        (firing,) = await orders.store.latest(order.id)
        await orders.end(firing, State.ANSWERED, answer=said)

    alert = "Disk full on db-3: 92 % of 400 GB are used, /var/lib/postgresql grows."
    for _ in range(5):
        assert await take(alert), "the same alert again is no repetition"
        await answer(f"> {alert}\nRotate the logs.")
    answers = ["Rotate the logs of db-3, then find the query."]
    answers += [
        "The relay is wrong: look at its configuration, not at the disk.",
        "Someone has to stop the relay now.",
    ]
    for said in [answers[0]] * 3 if same else answers:
        await answer(said)
        assert await take(f"*Relay* {said.upper()} (from another channel)")
    await answer("I can't do more about this." if not same else answers[0])
    assert not await take("*Relay* I can't do more about this." if not same else f"*Relay* {answers[0]}")
    (told,) = orders.threads.told
    assert (told.id, told.state, told.reason) == (order.id, OrderState.PAUSED, ANSWERS_ITSELF)


async def test_equal_orders_of_two_owners_both_run(orders: OrderHarness) -> None:
    both = [await orders.start(replace(DAILY, owner=owner)) for owner in ("U1", "U2")]
    await orders.look(START + HOUR)
    tasks = [await orders.tasks.task(id_) for order in both for id_ in await orders.tasks_of(order)]
    assert [task.user for task in tasks if task is not None] == ["U1", "U2"]


@pytest.mark.parametrize("ahead", [600.0, -600.0])
async def test_a_process_whose_clock_is_10_minutes_off_fires_in_time_and_takes_no_claim_away(
    postgres_url: str, ahead: float
) -> None:
    async with opened(postgres_url) as database, opened(postgres_url) as elsewhere:
        threads = InMemoryOrderThreads()
        right, wrong = OrderHarness(database, threads), OrderHarness(elsewhere, threads, ahead=ahead)
        order = await right.start()
        await wrong.look(START + HOUR - 5)
        assert await right.tasks_of(order) == [], "it is not due"
        threads.gate.clear()
        right.now = START + HOUR
        (begin,) = await right.due.look()
        posting = asyncio.ensure_future(begin())
        wrong.now = START + HOUR + 1
        assert await wrong.due.look() == [], "the other process has just claimed it"
        threads.gate.set()
        await posting
        await wrong.look(START + HOUR + DAY + 1)
        assert len(await right.tasks_of(order)) == 2


async def test_kills_at_any_point_lose_and_double_nothing_on_two_nodes(database_url: str) -> None:
    """20 orders with 5 times each, and two nodes of which one dies at a random point again and again."""
    chance = random.Random(20)
    databases = [Database(database_url)]
    await databases[0].open()
    if not databases[0].is_sqlite:
        databases.append(Database(database_url))
    threads = InMemoryOrderThreads()
    nodes = [OrderHarness(database, threads) for database in (databases * 2)[:2]]
    active = [await nodes[0].start(replace(DAILY, title=f"{n}")) for n in range(20)]
    kills = 0
    try:
        for round_ in range(5):
            for node in nodes:
                node.now = START + HOUR + round_ * DAY
            for _ in range(4):
                looks = [asyncio.create_task(node.look()) for node in nodes]
                for _ in range(chance.randrange(400)):
                    await asyncio.sleep(0)
                looks[kills % 2].cancel()
                kills += 1
                await asyncio.gather(*looks, return_exceptions=True)
                # A node that died comes back without what it had in memory.
                nodes = [OrderHarness(node.database, threads, node.now + 61) for node in nodes]
            for node in nodes:
                await node.look()
        tasks = [task for order in active for task in await nodes[0].tasks_of(order)]
        assert kills == 20
        assert len(tasks) == 100
        assert "" not in tasks
        assert max(Counter(tasks).values()) == 1
        assert len(threads.posts) == 100
    finally:
        for database in databases:
            await database.close()
