"""The due look: fires schedules whose time has come, and writes down how their runs ended.

Every process does it. A firing is claimed in the transaction that sets the order's next time; a process that
dies before the firing is a task leaves it to the next look after the lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import structlog

from tasks.message import Message, ThreadAddress
from tasks.orders.answers import RunAnswers
from tasks.orders.hops import HOPS, Hops
from tasks.orders.order import ORDER_KEY, Firing, Order, OrderKind, OrderLimits
from tasks.orders.store import LEFT_OUT, OrderStore
from tasks.orders.watches import Watches
from tasks.store.clock import DatabaseClock
from tasks.store.key_value import KeyValueStore, task_namespace
from tasks.store.retry import DATABASE_ERRORS, describe_outage
from tasks.store.tasks import Accepted, TaskStore

log = structlog.get_logger(__name__)

HOUR, DAY = 3_600, 86_400
#: Why a watch is paused whose answers come back as messages.
ANSWERS_ITSELF = "it answers its own answers, which another app repeats in its channel"
#: Firings that one process starts at the same time.
_AT_ONCE = 20
#: How far a clock may be set back before the next times are computed again, in seconds.
_SET_BACK = 60.0


class OrderBlocked(Exception):
    """The order can't run until a person changes something: its channel is archived, its owner has left.
    `str()` is a sentence for people."""


class NotNow(Exception):
    """The firing can't start now, and is tried again."""


class OrderThreads(Protocol):
    """Where firings show in Slack."""

    async def refusal(self, order: Order) -> str:
        """Why its owner may not start a task there now, a sentence; empty when they may. Raises
        `OrderBlocked`, and `NotNow` while that is not known."""
        ...

    async def open(self, order: Order, firing: Firing, *, again: bool) -> str:
        """Post the first message of the firing's thread; returns its `ts`. `again`: an earlier try may have
        posted it. Raises `OrderBlocked` and `NotNow`."""
        ...

    async def request(self, order: Order, firing: Firing, last_answer: str) -> str:
        """The words of the firing's task."""
        ...

    async def paused(self, order: Order) -> None:
        """Send the owner the reason why the order is paused. Raises nothing when Slack refuses."""
        ...


class DueOrders:
    """`accept` starts a task (`tasks.engine.TaskEngine.accept`). A claim holds for `lease` seconds and is
    renewed each `renewal` seconds, a sixth of that by default."""

    def __init__(
        self, store: OrderStore, threads: OrderThreads, accept: Callable[[Message], Awaitable[Accepted]], *,
        limits: OrderLimits, watches: Watches, clock: DatabaseClock, period: float, lease: float,
        renewal: float | None = None,
    ) -> None:  # fmt: skip
        self._store = store
        self._tasks = TaskStore(store.database)
        self._kept = KeyValueStore(store.database)
        self._answers = RunAnswers(store.database)
        self._hops = Hops(self._answers, self._kept)
        self._threads = threads
        self._accept = accept
        self._limits = limits
        self._watches = watches
        self._clock = clock
        self._period, self._lease, self._renewal = period, lease, renewal or lease / 6
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._busy: set[tuple[str, str]] = set()
        self._last_look = float("inf")

    async def run(self) -> None:
        """Look until cancelled. A look that fails is logged and made again."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    for work in await self.look():
                        group.create_task(self._safely(work))
                except Exception as error:
                    outage = describe_outage(error)
                    log.warning("orders not looked at, tried again", why=outage, exc_info=not outage)
                await asyncio.sleep(self._period)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look for as long as the context lasts."""
        looking = asyncio.create_task(self.run(), name="orders")
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def look(self) -> list[Callable[[], Awaitable[None]]]:
        """One look: what it returns has to be run, at the same time or one after the other."""
        await self._clock.compare()
        now = self._clock()
        if now < self._last_look - _SET_BACK and (changed := await self._store.realign(now)):
            log.warning("the clock was ahead, next times of orders computed again", orders=changed)
        self._last_look = now
        due = await self._store.due(now, lease=self._lease)
        await self._watches.refresh(due.changed_at)
        work: list[Callable[[], Awaitable[None]]] = []
        for id_ in due.orders:
            order = await self._store.find(id_)
            if order is not None and (firing := await self._store.fire(order, now)) is not None:
                work.append(self._begin(order, firing, now, again=False))
        for key in due.firings:
            if key not in self._busy:
                work.append(partial(self._follow, *key))
        return work

    async def take(self, order: Order, message: Message) -> bool:
        """Start a watch's run in the thread of its message; False when the limits leave the message alone.
        Raises `NotNow` while the owner's rights are not known."""
        now = self._clock()
        count, last = await self._store.count_since(order.id, now - HOUR)
        if count >= self._limits.hourly or now - last < self._limits.cooldown:
            log.info("watch left a message alone", order=order.id, ts=message.ts, runs_in_the_hour=count)
            return False
        try:
            reason = await self._refusal(order)
        except OrderBlocked as blocked:
            await self._pause(order, str(blocked))
            return False
        place = message.thread.ts
        if reason:
            if firing := await self._store.claim(order.id, message.ts, now, ts=place, task=""):
                await self._left_out(firing, reason)
            return False
        if (hops := await self._hops.before(message)) > HOPS:
            await self._pause(order, ANSWERS_ITSELF)
            return False
        await self._hops.keep(message, hops)
        task = await self._accept_run(order, message)
        await self._store.claim(order.id, message.ts, now, ts=place, task=task)
        return True

    async def look_at_watches(self) -> None:
        """Have this process know at once of a watch that was started."""
        await self._watches.refresh((await self._store.due(self._clock(), lease=self._lease)).changed_at)

    async def fire_now(self, order: Order) -> Firing | None:
        """Run an order once more now, beside its times; None when it is no schedule or just runs."""
        if order.kind is not OrderKind.SCHEDULE:
            return None
        firing = await self._store.claim(order.id, f"now:{int(self._clock())}", self._clock(), ts="", task="")
        if firing is not None:
            await self._safely(self._begin(order, firing, firing.at, again=False))
        return firing

    def _begin(
        self, order: Order, firing: Firing, claimed_at: float, *, again: bool
    ) -> Callable[[], Awaitable[None]]:
        key = (firing.order, firing.occasion)
        self._busy.add(key)

        async def begin() -> None:
            try:
                async with self._claimed(firing, claimed_at), self._places:
                    await self._start(order, firing, again=again)
            finally:
                self._busy.discard(key)

        return begin

    @asynccontextmanager
    async def _claimed(self, firing: Firing, at: float) -> AsyncIterator[None]:
        """Renew the claim of a firing, made at `at`, for as long as the context lasts: its post may wait for
        Slack's rate. Raises `NotNow` once the claim is lost, or could not be renewed for half the lease."""
        try:
            async with asyncio.timeout(self._lease / 2) as limit:
                renewing = asyncio.create_task(self._renew(firing, at, limit))
                try:
                    yield
                finally:
                    renewing.cancel()
                    await asyncio.wait([renewing])
        except TimeoutError as error:
            raise NotNow("its claim is lost, or could not be renewed") from error

    async def _renew(self, firing: Firing, at: float, limit: asyncio.Timeout) -> None:
        while True:
            await asyncio.sleep(self._renewal)
            try:
                renewed = await self._store.renew(firing, at, now := self._clock())
            except DATABASE_ERRORS as error:
                log.debug("claim not renewed, tried again", why=describe_outage(error) or str(error))
                continue
            at = now
            limit.reschedule(asyncio.get_running_loop().time() + (self._lease / 2 if renewed else 0))

    async def _safely(self, work: Callable[[], Awaitable[None]]) -> None:
        """Keep one order's fault from the others; the next look after the lease tries again."""
        try:
            await work()
        except NotNow as error:
            log.warning("order not fired, tried again", why=str(error))
        except DATABASE_ERRORS as error:
            log.warning("order not fired, tried again", why=describe_outage(error) or str(error))
        except Exception:
            log.exception("order not fired, tried again")

    async def _start(self, order: Order, firing: Firing, *, again: bool) -> None:
        """From a claimed firing to a task. May be done again from any point."""
        try:
            if reason := await self._refusal(order):
                return await self._left_out(firing, reason)
            ts = firing.ts
            if not ts:
                ts = await self._threads.open(order, firing, again=again)
                await self._store.posted(firing, ts)
        except OrderBlocked as blocked:
            return await self._block(order, firing, str(blocked))
        text = await self._threads.request(order, firing, await self._answers.last(order.id))
        message = order_message(order, ts, text)
        task = await self._accept_run(order, message)
        await self._store.accepted(firing, task)
        log.info("order fired", order=order.id, occasion=firing.occasion, task=task)

    async def _accept_run(self, order: Order, message: Message) -> str:
        """Start the task of a run, marked as one; returns its id."""
        await self._kept.put(task_namespace(message.task_id), ORDER_KEY, order.id)
        return (await self._accept(message)).task

    async def _refusal(self, order: Order) -> str:
        since = self._clock() - DAY
        if await self._store.tokens_since(order.id, since) >= self._limits.daily_tokens:
            return f"It has used its {self._limits.daily_tokens:,} tokens of the last 24 hours."
        return await self._threads.refusal(order)

    async def _left_out(self, firing: Firing, reason: str) -> None:
        log.warning("order not fired", order=firing.order, occasion=firing.occasion, why=reason)
        await self._settle(firing, LEFT_OUT, reason)

    async def _block(self, order: Order, firing: Firing, reason: str) -> None:
        await self._store.settle(firing, LEFT_OUT, reason, self._clock())
        await self._pause(order, reason)

    async def _pause(self, order: Order, reason: str) -> None:
        if await self._store.pause(order.id, self._clock(), reason):
            await self._tell_paused(order.id)

    async def _follow(self, order_id: str, occasion: str) -> None:
        """Write down how a firing ended, or start one whose process died."""
        firing = await self._store.firing(order_id, occasion)
        if firing is None or firing.result:
            return
        if firing.task:
            task = await self._tasks.task(firing.task)
            if task is not None and task.state.is_over:
                await self._settle(firing, task.state.value, task.reason)
            return
        order = await self._store.find(order_id)
        if order is None or order.kind is OrderKind.WATCH:
            await self._settle(firing, LEFT_OUT, "Its process died.")
        elif await self._store.reclaim(firing, now := self._clock(), lease=self._lease):
            await self._begin(order, firing, now, again=True)()

    async def _settle(self, firing: Firing, result: str, reason: str) -> None:
        if await self._store.settle(firing, result, reason, self._clock()) is not None:
            await self._tell_paused(firing.order)

    async def _tell_paused(self, order: str) -> None:
        if (found := await self._store.find(order)) is not None:
            log.warning("order paused", order=order, why=found.reason)
            await self._threads.paused(found)


def order_message(order: Order, ts: str, text: str) -> Message:
    """The message that starts a firing's task: its owner's, in the thread of `ts`."""
    return Message(
        thread=ThreadAddress(order.team, order.channel, ts), ts=ts, user=order.owner,
        user_name=order.owner_name, text=text,
    )  # fmt: skip
