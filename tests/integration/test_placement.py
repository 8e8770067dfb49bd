"""The placement where its database misbehaves: work whose end is refused, a network that swallows all."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from dbos._dbos import _get_dbos_instance

from tasks.queue.placement import Placement
from tasks.store.database import Database
from tasks.task import Ticket

_REFUSED = "BEGIN SELECT RAISE(ABORT, 'refused'); END"
_END = f"BEFORE UPDATE ON workflow_status WHEN NEW.status IN ('SUCCESS', 'ERROR') {_REFUSED}"


async def test_what_is_held_and_not_run_here_is_queued_again(tmp_path: Path) -> None:
    runs: list[Ticket] = []

    async def body(ticket: Ticket) -> None:
        runs.append(ticket)

    ticket = Ticket("one", 1)
    placement = Placement(Database(f"sqlite:///{tmp_path / 'handoff.db'}").url, body, at_once=2)
    await placement.open()
    change(tmp_path, f"CREATE TRIGGER refuse {_END}")
    await placement.place(ticket)
    await until(lambda: bool(runs) and not placement._workflows)
    assert await placement.known([ticket]) == {ticket: False}, "its end is not known"

    change(tmp_path, "DROP TRIGGER refuse")
    assert await placement.requeue_orphans() == 0, "it may only just be beginning"
    assert await placement.requeue_orphans() == 1
    while await placement.known([ticket]) != {ticket: True}:  # noqa: ASYNC110 - as the maintenance asks
        await asyncio.sleep(0.02)
    assert len(runs) == 2
    assert await placement.requeue_orphans() == 0
    await placement.close()


async def test_what_runs_here_is_never_astray(tmp_path: Path) -> None:
    running, ended = asyncio.Event(), asyncio.Event()

    async def body(ticket: Ticket) -> None:
        running.set()
        await ended.wait()

    placement = Placement(Database(f"sqlite:///{tmp_path / 'handoff.db'}").url, body, at_once=2)
    await placement.open()
    await placement.place(Ticket("one", 1))
    await running.wait()
    assert [await placement.requeue_orphans() for _ in range(3)] == [0, 0, 0]
    ended.set()
    await placement.close()


async def test_a_connection_whose_packets_are_swallowed_is_given_up_by_the_kernel(postgres_url: str) -> None:
    """Asked of the sockets themselves. Else the queue stands still for a quarter of an hour."""
    placement = Placement(Database(postgres_url).url, nothing, at_once=2)
    await placement.open()
    with _get_dbos_instance()._sys_db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        with socket.socket(fileno=os.dup(driver.fileno())) as one:
            assert one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
            assert one.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
    await placement.close()


async def nothing(ticket: Ticket) -> None: ...


def change(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "handoff-engine.db")) as database:
        database.execute(statement)
        database.commit()


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(1200):
        if is_so():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("it never came so far")


async def test_what_comes_while_closing_begins_at_the_next_start(tmp_path: Path) -> None:
    url = Database(f"sqlite:///{tmp_path / 'handoff.db'}").url
    first, cancelled, may_end, all_of_them = (asyncio.Event() for _ in range(4))
    here: list[str] = []
    there: list[str] = []

    async def slow_to_end(ticket: Ticket) -> None:
        here.append(ticket.task)
        first.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
            await may_end.wait()

    async def body(ticket: Ticket) -> None:
        there.append(ticket.task)
        if len(there) == 3:
            all_of_them.set()

    placement = Placement(url, slow_to_end, at_once=2)
    await placement.open()
    await placement.place(Ticket("one", 1))
    await first.wait()
    (node,) = await placement.holders()
    leaving = asyncio.create_task(placement.close())
    await cancelled.wait()
    await placement.place(Ticket("two", 1, urgent=True))
    await placement.place(Ticket("three", 1))
    await until(lambda: len(placement._workflows) == 2)
    may_end.set()
    await leaving
    assert here == ["one"], "no further task begins in a process that is closing"

    placement = Placement(url, body, at_once=2)
    await placement.open()
    assert await placement.take_over(node) == 2
    await all_of_them.wait()
    assert sorted(there) == ["one", "three", "two"]
    await placement.close()


async def test_threads_of_others_run_on_while_it_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bot that stands by goes on taking messages."""
    placement = Placement(Database(f"sqlite:///{tmp_path / 'handoff.db'}").url, nothing, at_once=2)
    await placement.open()
    await placement.place(Ticket("one", 1))
    destroy, destroyed, may_end = placement._destroy, threading.Event(), threading.Event()

    def slow_destroy() -> None:
        destroy()
        destroyed.set()
        may_end.wait(60)

    monkeypatch.setattr(placement, "_destroy", slow_destroy)
    closing_it = asyncio.create_task(placement.close())
    await until(destroyed.is_set)
    assert await asyncio.to_thread(lambda: 5) == 5
    may_end.set()
    await closing_it
