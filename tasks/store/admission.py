"""Who may run next: a line per workspace, so that the burst of one never fills the queue of all.

A task is admitted when its workspace and its person have room; the queue behind takes admitted tasks in
order. Parked tasks take no room. Never starts anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, case, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.policy import TaskLimits
from tasks.store import schema
from tasks.task import State, Ticket

#: Any number serves, as long as every process takes the same: it sets these advisory locks apart.
_LOCKS = 504_199
_ALONE = text("SELECT pg_advisory_xact_lock(:space, hashtext(:team))")
#: Tasks that one transaction lets in.
BATCH = 100
#: Where a task that was admitted holds a place: it is queued or runs.
HOLDING_ROOM = [state.value for state in State if not (state.is_over or state.is_parked)]


async def alone(connection: AsyncConnection, team: str) -> None:
    """Let one transaction at a time decide about a workspace's tasks, on whatever process.

    Two messages at once in one thread, or a follow-up that meets the task's end, then see each other's work.
    SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_ALONE, {"space": _LOCKS, "team": team})


async def admit(connection: AsyncConnection, team: str, limits: TaskLimits) -> tuple[Ticket, ...]:
    """Let in as many of a workspace's waiting tasks as there is room for, the oldest first.

    A person or a channel at its limit is passed over, so that nobody else waits for it.
    """
    people, channels = await _at_work(connection, team)
    room = limits.workspace - people.total()
    if room <= 0:
        return ()
    task = schema.task.c
    waiting = (task.team == team) & (task.state == State.QUEUED.value) & task.admitted.is_(False)
    full = [user for user, count in people.items() if count >= limits.person]
    crowded = [channel for channel, count in channels.items() if count >= limits.channel]
    query = select(task.id, task.user, task.channel, task.attempt).where(
        waiting, task.user.not_in(full), task.channel.not_in(crowded)
    )
    tickets: list[Ticket] = []
    for row in await connection.execute(query.order_by(task.created_at).limit(min(room, BATCH))):
        if people[row.user] < limits.person and channels[row.channel] < limits.channel:
            people[row.user] += 1
            channels[row.channel] += 1
            tickets.append(Ticket(row.id, row.attempt))
    if tickets:
        mine = task.id.in_([ticket.task for ticket in tickets])
        await connection.execute(update(schema.task).where(mine).values(admitted=True))
    return tuple(tickets)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a new task of a person in a workspace meets; each is a number of tasks, but for `nodes`."""

    held: int
    """At work or in the queue, of all workspaces."""
    workspace: int
    channel: int
    person: int
    waiting: int
    """In the workspace's line."""
    nodes: int

    def has_room(self, limits: TaskLimits) -> bool:
        """Whether it may go to the queue; who stands in line goes first."""
        free = self.workspace < limits.workspace and self.channel < limits.channel
        return free and self.person < limits.person and self.waiting == 0

    def ahead(self, limits: TaskLimits, *, admitted: bool) -> int:
        """How many tasks come before it until it runs; 0 when it starts at once.

        In the line these are the others there, and one that has to end; in the queue those beyond what the
        processes run at the same time.
        """
        if not admitted:
            return self.waiting + 1
        return max(0, self.held + 1 - max(1, self.nodes) * limits.process)


def _standing() -> Select[Any]:
    task = schema.task.c
    count = select(func.count()).select_from(schema.task)
    held = count.where(task.state.in_(HOLDING_ROOM), task.admitted)
    line = count.where(
        task.state == State.QUEUED.value, task.team == bindparam("team"), task.admitted.is_(False)
    )
    nodes = select(func.count()).select_from(schema.node)
    # Counted in one pass over the few that hold room: asked for by channel, SQLite takes the index of threads
    # and walks every parked task of the channel.
    ours = (
        select(
            func.count().label("workspace"),
            func.count(case((task.channel == bindparam("channel"), 1))).label("channel"),
            func.count(case((task.user == bindparam("user"), 1))).label("person"),
        )
        .where(task.team == bindparam("team"), task.state.in_(HOLDING_ROOM), task.admitted)
        .subquery()
    )
    return select(held.scalar_subquery(), ours, line.scalar_subquery(), nodes.scalar_subquery())


#: Put together once: that takes longer than to ask it.
_STANDING = _standing()


async def standing(connection: AsyncConnection, team: str, channel: str, user: str) -> Standing:
    """Read before the new task is written: all of it with one statement, since somebody waits for it."""
    given = {"team": team, "channel": channel, "user": user}
    return Standing(*(await connection.execute(_STANDING, given)).one())


async def _at_work(connection: AsyncConnection, team: str) -> tuple[Counter[str], Counter[str]]:
    """How many tasks hold room in a workspace, by person and by channel."""
    task = schema.task.c
    query = select(task.user, task.channel, func.count().label("held")).where(
        task.team == team, task.state.in_(HOLDING_ROOM), task.admitted
    )
    people: Counter[str] = Counter()
    channels: Counter[str] = Counter()
    for row in await connection.execute(query.group_by(task.user, task.channel)):
        people[row.user] += row.held
        channels[row.channel] += row.held
    return people, channels
