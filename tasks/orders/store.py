"""Standing orders and their firings in SQL."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError

from tasks.orders.order import FAILURES, Firing, Order, OrderKind, OrderState
from tasks.orders.rows import firing_row, order_row, to_firing, to_order
from tasks.orders.schedule import missed_times, next_times
from tasks.store import schema
from tasks.store.database import Database
from tasks.task import State

_ORDER, _FIRING, _TASK = schema.standing_order.c, schema.firing.c, schema.task.c
_OVER = [state.value for state in State if state.is_over]
#: The result of a firing that never became a task.
LEFT_OUT = "left out"
_BAD = (State.FAILED.value, State.EXPIRED.value, LEFT_OUT)


@dataclass(frozen=True, slots=True)
class Due:
    """What one look finds."""

    orders: Sequence[str]
    """Schedules whose time has come."""
    firings: Sequence[tuple[str, str]]
    """Firings whose task has ended, or whose process died before it was accepted."""
    changed_at: float
    """When a watch was changed last."""


class OrderStore:
    """Each method is one transaction. Times are seconds since 1970, by the caller's clock."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def propose(self, order: Order, now: float) -> Order:
        """Store an order that its owner has yet to start."""
        id_ = f"o{secrets.token_hex(5)}"
        proposed = replace(order, id=id_, state=OrderState.PROPOSED, created_at=now)
        async with self.database.write() as connection:
            await connection.execute(insert(schema.standing_order), order_row(proposed))
        return proposed

    async def find(self, id_: str) -> Order | None:
        found = await self._orders(select(schema.standing_order).where(_ORDER.id == id_))
        return found[0] if found else None

    async def of_owner(self, team: str, owner: str) -> Sequence[Order]:
        """A person's active and paused orders, oldest first."""
        mine = (_ORDER.team == team) & (_ORDER.owner == owner) & _ORDER.state.in_(_LISTED)
        return await self._orders(select(schema.standing_order).where(mine).order_by(_ORDER.created_at))

    async def all(self, *, team: str = "") -> Sequence[Order]:
        """Every active and paused order, for the operator, the next to run first."""
        listed = _ORDER.state.in_(_LISTED) & ((_ORDER.team == team) if team else true())
        return await self._orders(select(schema.standing_order).where(listed).order_by(_ORDER.next_at))

    async def watches(self) -> Sequence[Order]:
        """The active watches of all workspaces, by id."""
        query = select(schema.standing_order).where(
            _ORDER.kind == OrderKind.WATCH.value, _ORDER.state == OrderState.ACTIVE.value
        )
        return await self._orders(query.order_by(_ORDER.id))

    async def activate(self, order: Order, now: float) -> Order | None:
        """Start or resume an order; None when it is neither proposed nor paused, or has no time left."""
        next_at = None
        if order.kind is OrderKind.SCHEDULE:
            if not (times := next_times(order.when, order.zone, now)):
                return None
            next_at = times[0]
        resting = [OrderState.PROPOSED.value, OrderState.PAUSED.value]
        values = {"state": OrderState.ACTIVE.value, "next_at": next_at, "failures": 0, "reason": ""}
        changed = await self._change(order.id, resting, now, **values)
        return await self.find(order.id) if changed else None

    async def pause(self, id_: str, now: float, reason: str = "") -> bool:
        """Pause an active order; False when it is not active."""
        values = {"state": OrderState.PAUSED.value, "next_at": None, "reason": reason}
        return await self._change(id_, [OrderState.ACTIVE.value], now, **values)

    async def delete(self, id_: str, now: float) -> bool:
        """Delete an order in any state; False when it was deleted before."""
        others = [state.value for state in OrderState if state is not OrderState.DELETED]
        return await self._change(id_, others, now, state=OrderState.DELETED.value, next_at=None)

    async def delete_workspace(self, team: str, now: float) -> None:
        async with self.database.write() as connection:
            values = {"state": OrderState.DELETED.value, "next_at": None, "changed_at": _changed(now)}
            mine = update(schema.standing_order).where(_ORDER.team == team)
            await connection.execute(mine.values(values))

    async def due(self, now: float, *, lease: float, limit: int = 200) -> Due:
        """What has to be done now. One statement, which reads indexes only while nothing is due."""
        orders = select(literal("order"), _ORDER.id, literal(""), literal(0.0)).where(
            _ORDER.state == OrderState.ACTIVE.value, _ORDER.next_at <= now
        )
        ended = or_(_TASK.state.in_(_OVER), (_FIRING.task == "") & (_FIRING.claimed_at < now - lease))
        firings = (
            select(literal("firing"), _FIRING.order_id, _FIRING.occasion, literal(0.0))
            .select_from(schema.firing.outerjoin(schema.task, _TASK.id == _FIRING.task))
            .where(_FIRING.result == "", ended)
        )
        changed = select(literal("watch"), literal(""), literal(""), func.max(_ORDER.changed_at)).where(
            _ORDER.kind == OrderKind.WATCH.value
        )
        parts = [orders.limit(limit).subquery(), firings.limit(limit).subquery(), changed.subquery()]
        async with self.database.read() as connection:
            rows = (await connection.execute(union_all(*map(select, parts)))).all()
        return Due(
            [row[1] for row in rows if row[0] == "order"],
            [(row[1], row[2]) for row in rows if row[0] == "firing"],
            next((row[3] or 0.0 for row in rows if row[0] == "watch"), 0.0),
        )

    async def fire(self, order: Order, now: float) -> Firing | None:
        """Claim the latest time of a schedule that is due, and set its next one; None when another process
        has done it."""
        if order.next_at is None or order.next_at > now:
            return None
        latest, missed = missed_times(order.when, order.zone, order.next_at, now)
        following = next_times(order.when, order.zone, now)
        state = OrderState.ACTIVE if following else OrderState.ENDED
        mine = (_ORDER.id == order.id) & (_ORDER.next_at == order.next_at)
        values = {"next_at": following[0] if following else None, "state": state.value, "changed_at": now}
        claim = update(schema.standing_order).where(mine, _ORDER.state == OrderState.ACTIVE.value)
        firing = Firing(order=order.id, occasion=str(int(latest)), at=now, missed=missed)
        async with self.database.write() as connection:
            if not (await connection.execute(claim.values(values))).rowcount:
                return None
            # A clock that was set back comes to the same time twice.
            if (await connection.execute(select(_FIRING.at).where(_is(firing)))).first():
                return None
            await connection.execute(insert(schema.firing), firing_row(firing))
        return firing

    async def claim(self, order: str, occasion: str, now: float, *, ts: str, task: str) -> Firing | None:
        """Store a firing whose task is accepted; None when there is one for this occasion."""
        firing = Firing(order=order, occasion=occasion, at=now, ts=ts, task=task)
        try:
            async with self.database.write() as connection:
                await connection.execute(insert(schema.firing), firing_row(firing))
        except IntegrityError:
            return None
        return firing

    async def reclaim(self, firing: Firing, now: float, *, lease: float) -> bool:
        """Take a firing that is not accepted from a process that claimed it `lease` ago or earlier."""
        old = _is(firing) & (_FIRING.task == "") & (_FIRING.claimed_at < now - lease)
        return await self._set(old, claimed_at=now)

    async def renew(self, firing: Firing, claimed_at: float, now: float) -> bool:
        """Claim a firing again that this process claimed at `claimed_at`; False when another has it."""
        return await self._set(_is(firing) & (_FIRING.claimed_at == claimed_at), claimed_at=now)

    async def posted(self, firing: Firing, ts: str) -> None:
        await self._set(_is(firing), ts=ts)

    async def accepted(self, firing: Firing, task: str) -> None:
        await self._set(_is(firing), task=task)

    async def firing(self, order: str, occasion: str) -> Firing | None:
        found = await self._firings((_FIRING.order_id == order) & (_FIRING.occasion == occasion), limit=1)
        return found[0] if found else None

    async def latest(self, order: str, limit: int = 1) -> Sequence[Firing]:
        """An order's newest firings, newest first."""
        return await self._firings(_FIRING.order_id == order, limit=limit)

    async def count_since(self, order: str, since: float) -> tuple[int, float]:
        """How many firings of an order there were since a time, and when the last one was; 0 without one."""
        mine = (_FIRING.order_id == order) & (_FIRING.at >= since)
        query = select(func.count(), func.coalesce(func.max(_FIRING.at), 0.0)).where(mine)
        async with self.database.read() as connection:
            row = (await connection.execute(query.select_from(schema.firing))).one()
        return int(row[0]), float(row[1])

    async def tokens_since(self, order: str, since: float) -> int:
        """Tokens of an order's tasks that began since a time."""
        joined = schema.firing.join(schema.task, _TASK.id == _FIRING.task)
        query = select(func.coalesce(func.sum(_TASK.tokens), 0)).select_from(joined)
        async with self.database.read() as connection:
            mine = query.where(_FIRING.order_id == order, _FIRING.at >= since)
            return int((await connection.execute(mine)).scalar_one())

    async def settle(self, firing: Firing, result: str, reason: str, now: float) -> Order | None:
        """Write down how a firing ended. Returns the order when this was the failure that paused it."""
        bad, good = result in _BAD, result == State.ANSWERED.value
        async with self.database.write() as connection:
            end = update(schema.firing).where(_is(firing), _FIRING.result == "")
            if not (await connection.execute(end.values(result=result, reason=reason))).rowcount:
                return None
            mine = update(schema.standing_order).where(_ORDER.id == firing.order)
            if good:
                await connection.execute(mine.where(_ORDER.failures > 0).values(failures=0))
            if not bad:
                return None
            await connection.execute(mine.values(failures=_ORDER.failures + 1))
            full = mine.where(_ORDER.failures >= FAILURES, _ORDER.state == OrderState.ACTIVE.value)
            values = {
                "state": OrderState.PAUSED.value, "next_at": None, "reason": reason,
                "changed_at": _changed(now),
            }  # fmt: skip
            paused = (await connection.execute(full.values(values))).rowcount
        return await self.find(firing.order) if paused else None

    async def realign(self, now: float) -> int:
        """Bring back times that are later than they should be, because the clock was ahead; returns how many
        that were."""
        active = (_ORDER.state == OrderState.ACTIVE.value) & (_ORDER.next_at > now)
        changed = 0
        for order in await self._orders(select(schema.standing_order).where(active)):
            wanted = next_times(order.when, order.zone, now)
            if order.next_at is not None and wanted and wanted[0] < order.next_at:
                earlier = (_ORDER.id == order.id) & (_ORDER.next_at == order.next_at)
                async with self.database.write() as connection:
                    move = update(schema.standing_order).where(earlier).values(next_at=wanted[0])
                    changed += (await connection.execute(move)).rowcount
        return changed

    async def _change(self, id_: str, states: Sequence[str], now: float, **values: Any) -> bool:
        mine = (_ORDER.id == id_) & _ORDER.state.in_(states)
        async with self.database.write() as connection:
            change = update(schema.standing_order).where(mine).values(changed_at=_changed(now), **values)
            return bool((await connection.execute(change)).rowcount)

    async def _set(self, where: Any, **values: Any) -> bool:
        async with self.database.write() as connection:
            return bool(
                (await connection.execute(update(schema.firing).where(where).values(values))).rowcount
            )

    async def _orders(self, query: Select[Any]) -> Sequence[Order]:
        async with self.database.read() as connection:
            return [to_order(row) for row in (await connection.execute(query)).mappings()]

    async def _firings(self, where: Any, *, limit: int) -> Sequence[Firing]:
        query = select(schema.firing).where(where).order_by(_FIRING.at.desc()).limit(limit)
        async with self.database.read() as connection:
            return [to_firing(row) for row in (await connection.execute(query)).mappings()]


_LISTED = [state.value for state in OrderState if state.is_listed]


def _changed(now: float) -> ColumnElement[float]:
    """The time of a change, later than that of any other: the clock may have been ahead then."""
    others = schema.standing_order.alias()
    after = select(func.coalesce(func.max(others.c.changed_at), 0.0) + 0.001).scalar_subquery()
    return case((after > now, after), else_=now)


def _is(firing: Firing) -> Any:
    return (_FIRING.order_id == firing.order) & (_FIRING.occasion == firing.occasion)
