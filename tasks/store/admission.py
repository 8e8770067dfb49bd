"""Admission control: which waiting tasks of a workspace may enter the queue, so that one workspace's burst
does not fill it for all.

A task is admitted when its workspace, channel and person have room; the queue takes admitted tasks in order.
Parked tasks take no room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, case, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tasks.policy import TaskLimits
from tasks.store import schema
from tasks.store.database import enqueue
from tasks.task import State, Ticket

#: Sets our advisory locks apart from others. Any number serves that is the same in every process.
_LOCKS = 504_199
_LOCK = text("SELECT pg_advisory_xact_lock(:space, hashtext(:team))")
#: Tasks that one transaction admits.
BATCH = 100
#: The states in which an admitted task takes room.
TAKING_ROOM = [state.value for state in State if not (state.is_over or state.is_parked)]


async def lock_workspace(connection: AsyncConnection, team: str) -> None:
    """Serialize the transactions that decide about one workspace's tasks, over all processes.

    Two messages at once in one thread, or a follow-up at a task's end, then see each other's work. SQLite has
    one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_LOCK, {"space": _LOCKS, "team": team})


async def admit(connection: AsyncConnection, team: str, limits: TaskLimits) -> Set[str]:
    """Admit and queue a workspace's waiting tasks while there is room, the oldest first; returns their ids.

    Skips tasks of a person or channel at its limit.
    """
    people, channels, nodes = await _taking_room(connection, team)
    room = limits.of_workspace(nodes) - people.total()
    if room <= 0:
        return set()
    task = schema.task.c
    waiting = (task.team == team) & (task.state == State.QUEUED.value) & task.admitted.is_(False)
    full = [user for user, count in people.items() if count >= limits.person]
    crowded = [channel for channel, count in channels.items() if count >= limits.channel]
    query = select(task.id, task.user, task.channel, task.attempt).where(
        waiting, task.user.not_in(full), task.channel.not_in(crowded)
    )
    admitted = set()
    for row in await connection.execute(query.order_by(task.created_at).limit(min(room, BATCH))):
        if people[row.user] < limits.person and channels[row.channel] < limits.channel:
            people[row.user] += 1
            channels[row.channel] += 1
            admitted.add(row.id)
            enqueue(connection, Ticket(row.id, row.attempt))
    if admitted:
        await connection.execute(update(schema.task).where(task.id.in_(admitted)).values(admitted=True))
    return admitted


@dataclass(frozen=True, slots=True)
class Load:
    """The tasks that a new task of one person meets. Each is a number of tasks, except `nodes`."""

    queued: int
    """Running or in the queue, of all workspaces."""
    workspace: int
    channel: int
    person: int
    waiting: int
    """Of the workspace, not admitted yet."""
    nodes: int

    def has_room(self, limits: TaskLimits) -> bool:
        """Whether a new task may enter the queue; tasks that wait already go first."""
        free = self.has_workspace_room(limits) and self.channel < limits.channel
        return free and self.person < limits.person and self.waiting == 0

    def has_workspace_room(self, limits: TaskLimits) -> bool:
        return self.workspace < limits.of_workspace(self.nodes)

    def ahead(self, limits: TaskLimits, *, admitted: bool) -> int:
        """How many tasks run before the new one; 0 when it starts at once.

        For a task that waits, these are the others that wait, and one that has to end; for an admitted one
        those beyond what the processes run at the same time.
        """
        if not admitted:
            return self.waiting + 1
        return max(0, self.queued + 1 - max(1, self.nodes) * limits.process)


def _load_query() -> Select[Any]:
    task = schema.task.c
    count = select(func.count()).select_from(schema.task)
    queued = count.where(task.state.in_(TAKING_ROOM), task.admitted)
    waiting = count.where(
        task.state == State.QUEUED.value, task.team == bindparam("team"), task.admitted.is_(False)
    )
    nodes = select(func.count()).select_from(schema.node)
    # One pass over the few tasks that take room: for a count by channel, SQLite would take the index of
    # threads and walk every parked task of the channel.
    ours = (
        select(
            func.count().label("workspace"),
            func.count(case((task.channel == bindparam("channel"), 1))).label("channel"),
            func.count(case((task.user == bindparam("user"), 1))).label("person"),
        )
        .where(task.team == bindparam("team"), task.state.in_(TAKING_ROOM), task.admitted)
        .subquery()
    )
    return select(queued.scalar_subquery(), ours, waiting.scalar_subquery(), nodes.scalar_subquery())


#: Built once: building it takes longer than running it.
_LOAD = _load_query()


async def load(connection: AsyncConnection, team: str, channel: str, user: str) -> Load:
    """Read before the new task is stored. One statement, since Slack waits for the acknowledgement."""
    given = {"team": team, "channel": channel, "user": user}
    return Load(*(await connection.execute(_LOAD, given)).one())


async def _taking_room(connection: AsyncConnection, team: str) -> tuple[Counter[str], Counter[str], int]:
    """How many tasks take room in a workspace, by person and by channel; and the number of processes, as far
    as that matters."""
    task = schema.task.c
    count = select(func.count()).select_from(schema.node).scalar_subquery()
    query = select(task.user, task.channel, func.count().label("tasks"), count.label("nodes")).where(
        task.team == team, task.state.in_(TAKING_ROOM), task.admitted
    )
    people: Counter[str] = Counter()
    channels: Counter[str] = Counter()
    nodes = 1
    for row in await connection.execute(query.group_by(task.user, task.channel)):
        people[row.user] += row.tasks
        channels[row.channel] += row.tasks
        nodes = row.nodes
    return people, channels, nodes
