"""Who may run next: a line per workspace, so that the burst of one never fills the queue of all.

A task is admitted when its workspace and its person have room; the queue behind takes admitted tasks in
order. Parked tasks take no room. Never starts anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks import schema
from tasks.task import State, Ticket

#: Any number serves, as long as every process takes the same: it sets these advisory locks apart.
_LOCKS = 504_199
#: Tasks that one transaction lets in.
BATCH = 100
_HOLDING_ROOM = [State.QUEUED.value, State.RUNNING.value, State.STOPPING.value, State.EXPIRING.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Tasks at work at the same time, on all processes together unless said."""

    process: int = 20
    workspace: int = 20
    person: int = 10


async def alone(connection: AsyncConnection, team: str) -> None:
    """Let one transaction at a time decide about a workspace's tasks, on whatever process.

    Two messages at once in one thread, or a follow-up that meets the task's end, then see each other's work.
    SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        query = text("SELECT pg_advisory_xact_lock(:space, hashtext(:team))")
        await connection.execute(query, {"space": _LOCKS, "team": team})


async def admit(connection: AsyncConnection, team: str, limits: Limits) -> tuple[Ticket, ...]:
    """Let in as many of a workspace's waiting tasks as there is room for, the oldest first.

    A person at the limit is passed over, so that nobody else waits for theirs.
    """
    at_work = await _at_work(connection, team)
    room = limits.workspace - sum(at_work.values())
    if room <= 0:
        return ()
    task = schema.task.c
    waiting = (task.team == team) & (task.state == State.QUEUED.value) & task.admitted.is_(False)
    full = [user for user, count in at_work.items() if count >= limits.person]
    query = select(task.id, task.user, task.attempt).where(waiting, task.user.not_in(full))
    tickets: list[Ticket] = []
    for row in await connection.execute(query.order_by(task.created_at).limit(min(room, BATCH))):
        at_work[row.user] = at_work.get(row.user, 0) + 1
        if at_work[row.user] <= limits.person:
            tickets.append(Ticket(row.id, row.attempt))
    if tickets:
        mine = task.id.in_([ticket.task for ticket in tickets])
        await connection.execute(update(schema.task).where(mine).values(admitted=True))
    return tuple(tickets)


async def ahead(connection: AsyncConnection, team: str, limits: Limits, *, admitted: bool) -> int:
    """How many tasks come before the newest of a workspace until it runs; 0 when it starts at once.

    For one that stands in its workspace's line these are the others there, and one that has to end; for an
    admitted one those beyond what the processes run at the same time.
    """
    task = schema.task.c
    count = select(func.count()).select_from(schema.task)
    if not admitted:
        line = count.where(task.team == team, task.state == State.QUEUED.value, task.admitted.is_(False))
        return int((await connection.execute(line)).scalar_one())
    nodes = select(func.count()).select_from(schema.node).scalar_subquery()
    holding = count.where(task.state.in_(_HOLDING_ROOM), task.admitted).scalar_subquery()
    row = (await connection.execute(select(nodes.label("nodes"), holding.label("held")))).one()
    return int(max(0, row.held - max(1, row.nodes) * limits.process))


async def _at_work(connection: AsyncConnection, team: str) -> dict[str, int]:
    task = schema.task.c
    query = select(task.user, func.count().label("held")).where(
        task.team == team, task.state.in_(_HOLDING_ROOM), task.admitted
    )
    rows = await connection.execute(query.group_by(task.user))
    return {row.user: row.held for row in rows}
