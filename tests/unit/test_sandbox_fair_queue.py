"""Turns of people and tasks in the queue for a container."""

from __future__ import annotations

from sandbox.fair_queue import FairQueue
from sandbox.job import Queue


def served(queue: FairQueue) -> list[Queue]:
    """Everyone that waits, in the order of their turns, each call over before the next begins."""
    order = []
    while (waiter := queue.next()) is not None:
        order.append(waiter.queue)
        queue.took(waiter.queue)
        queue.released(waiter.queue)
    return order


async def test_a_person_who_waits_with_one_call_comes_before_the_eight_of_another() -> None:
    queue = FairQueue()
    for _ in range(8):
        queue.took(("ann", "report"))
    for _ in range(3):
        queue.add("bare", ("ann", "report"))
    queue.add("bare", ("bob", "hello"))
    queue.released(("ann", "report"))
    waiter = queue.next()
    assert waiter is not None
    assert waiter.queue == ("bob", "hello")


async def test_people_take_turns_and_so_do_the_tasks_of_each() -> None:
    queue = FairQueue()
    calls = [("ann", "1"), ("ann", "1"), ("ann", "2"), ("bob", "3"), ("bob", "3")]
    for call in calls:
        queue.add("bare", call)
    assert served(queue) == [("ann", "1"), ("bob", "3"), ("ann", "2"), ("bob", "3"), ("ann", "1")]


async def test_calls_of_nobody_in_particular_come_in_order() -> None:
    queue = FairQueue()
    waiters = [queue.add(flavour, ()) for flavour in ("bare", "data", "bare")]
    assert queue.flavours() == ["bare", "data", "bare"]
    queue.remove(waiters[1])
    waiters[0].container.cancel()
    assert queue.next() is waiters[2]
    assert queue.next() is None
    assert not queue
