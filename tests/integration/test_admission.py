"""Which task runs next: limits per workspace and person, in order, without starvation."""

from __future__ import annotations

from sqlalchemy import insert

from tasks.policy import TaskLimits
from tasks.store import schema
from tasks.store.database import Database
from tasks.store.tasks import Accepted, TaskStore
from tasks.task import Outcome, State, Task, Ticket
from tests.support.task_harness import message
from tests.support.tickets import Tickets

DONE = Outcome(state=State.ANSWERED, text="done")


class Line:
    """A store, and the tickets that it queues."""

    def __init__(self, database: Database, limits: TaskLimits) -> None:
        self.store = TaskStore(database, limits=limits)
        self.tickets = Tickets(database)

    async def come(self, number: int, *, user: str = "U1", team: str = "T1") -> Accepted:
        return await self.store.accept(message(f"{number}.0", user=user, team=team))

    async def begin(self, accepted: Accepted) -> Task:
        task = await self.store.begin(Ticket(accepted.task, 1), "me")
        assert task is not None
        return task


async def test_a_workspace_at_its_limit_waits_and_others_do_not(database: Database) -> None:
    line = Line(database, TaskLimits(process=10, workspace=2, person=10))
    burst = [await line.come(number) for number in range(6)]
    queued = line.tickets.pop_ids()
    other = await line.come(10, team="T2")

    assert queued == [burst[0].task, burst[1].task]
    assert [accepted.ahead for accepted in burst] == [0, 0, 1, 2, 3, 4]
    assert (line.tickets.pop_ids(), other.ahead) == ([other.task], 0), (
        "the other's burst is none of its business"
    )

    first = await line.begin(burst[0])
    await line.store.end(first, DONE)
    assert line.tickets.pop_ids() == [burst[2].task], "the oldest goes next"


async def test_without_a_limit_a_workspace_has_the_places_of_all_processes(database: Database) -> None:
    """One more bot helps a company of one workspace."""
    line = Line(database, TaskLimits(process=2, workspace=0, person=10))
    for number in range(3):
        await line.come(number)
    assert len(line.tickets.pop_ids()) == 2
    if database.is_sqlite:
        return
    async with database.write() as connection:
        row = {"pid": 1, "beat": 0, "left": False}
        await connection.execute(
            insert(schema.node), [{"id": f"n{number}", "number": number, **row} for number in range(3)]
        )
    for number in range(3, 8):
        await line.come(number)
    assert len(line.tickets.pop_ids()) == 4, "three processes have six places"


async def test_a_person_at_the_limit_is_passed_over(database: Database) -> None:
    line = Line(database, TaskLimits(process=10, workspace=3, person=2))
    busy = [await line.come(number) for number in range(5)]
    other = await line.come(10, user="U2")
    late = await line.come(11, user="U3")

    assert line.tickets.pop_ids() == [busy[0].task, busy[1].task, other.task]
    await line.store.end(await line.begin(other), DONE)
    assert line.tickets.pop_ids() == [late.task], "the first person has two at work and is passed over"
    await line.store.end(await line.begin(busy[0]), DONE)
    assert line.tickets.pop_ids() == [busy[2].task]


async def test_a_parked_task_takes_no_room_and_comes_back_at_once(database: Database) -> None:
    line = Line(database, TaskLimits(process=10, workspace=1, person=10))
    parked, next_ = await line.come(1), await line.come(2)
    task = await line.begin(parked)
    line.tickets.pop()

    await line.store.park(task, seconds=60)
    assert line.tickets.pop_ids() == [next_.task]
    await line.store.accept(message("1.1", "yes", thread="1.0"))
    assert line.tickets.pop() == [Ticket(parked.task, 2)], "who has stood in line once does not again"


async def test_all_of_a_long_line_come_through_in_order(database: Database) -> None:
    line = Line(database, TaskLimits(process=10, workspace=2, person=10))
    everybody = [await line.come(number) for number in range(9)]
    came: list[str] = []
    open_ = line.tickets.pop()
    while open_:
        ticket = open_.pop(0)
        came.append(ticket.task)
        task = await line.store.begin(ticket, "me")
        assert task is not None
        await line.store.end(task, DONE)
        open_ += line.tickets.pop()
    assert came == [accepted.task for accepted in everybody]


async def test_a_waiting_person_sees_how_many_tasks_come_before(database: Database) -> None:
    line = Line(database, TaskLimits(process=2, workspace=10, person=10))
    assert [(await line.come(number)).ahead for number in range(5)] == [0, 0, 1, 2, 3]


async def test_a_channel_at_its_limit_is_passed_over(database: Database) -> None:
    line = Line(database, TaskLimits(process=10, workspace=10, channel=2, person=10))
    crowded = [await line.come(number) for number in range(4)]
    queued = line.tickets.pop_ids()
    elsewhere = await line.store.accept(message("10.0", channel="C2"))

    assert queued == [crowded[0].task, crowded[1].task]
    assert line.tickets.pop_ids() == [elsewhere.task], "nobody waits for another channel"
    await line.store.end(await line.begin(crowded[0]), DONE)
    assert line.tickets.pop_ids() == [crowded[2].task]
