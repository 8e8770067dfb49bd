"""The database alone: migrations from empty and in a race, the fence, faults that pass, a full disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import OperationalError

from tasks.errors import DatabaseInUse, StaleRunner
from tasks.run.history import History
from tasks.store import schema
from tasks.store.database import SCHEMA, Database, enqueue
from tasks.store.key_value import KeyValueStore
from tasks.store.log import TaskLog
from tasks.store.preferences import ChannelPreferences, FiguresMode
from tasks.store.proposals import Decided, NoteProposals
from tasks.store.retry import describe_outage, retrying
from tasks.store.tasks import TaskStore
from tasks.task import Ticket
from tests.support.databases import limit_pages, set_read_only
from tests.support.postgres import Postgres
from tests.support.task_harness import message
from tests.support.tickets import Tickets


async def test_migrations_from_empty_make_the_tables_of_the_schema(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    assert not await database.is_made() or database.is_sqlite
    await database.open()
    async with database.read() as connection:
        within = None if database.is_sqlite else SCHEMA
        made = await connection.run_sync(
            lambda sync: {
                table: {column["name"] for column in inspect(sync).get_columns(table, schema=within)}
                for table in inspect(sync).get_table_names(schema=within)
            }
        )
    await database.close()
    wanted = {
        table.name: {column.name for column in table.columns} for table in schema.metadata.sorted_tables
    }
    assert {name: columns for name, columns in made.items() if name != "alembic_version"} == wanted


async def test_two_first_starts_at_once_make_the_tables_once(empty_postgres_url: str) -> None:
    """Trap 9: without a lock, one of two concurrent first starts fails in CREATE TABLE."""
    databases = [Database(empty_postgres_url) for _ in range(4)]
    await asyncio.gather(*(database.open() for database in databases))
    assert await databases[0].is_made()
    for database in databases:
        await database.close()


async def test_a_second_process_on_one_sqlite_file_is_reported(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    first, second = Database(url), Database(url)
    await first.open()
    with pytest.raises(DatabaseInUse, match="Another Handoff is running"):
        await second.open()
    await first.close()
    await second.close()


async def test_a_fact_that_several_write_at_once_has_one_of_their_values(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    kept = KeyValueStore(database)
    for name in "abc":
        await asyncio.gather(*(kept.put("here", name, number) for number in range(8)))
    assert {name: value in range(8) for name, value in (await kept.all("here")).items()} == dict.fromkeys(
        "abc", True
    )
    await kept.put("here", "a", "the last")
    await kept.put("here", "b", None)
    assert (await kept.get("here", "a"), await kept.get("here", "b")) == ("the last", None)
    await database.close()


async def test_a_run_that_was_replaced_can_write_nothing_more(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    store = TaskStore(database)
    accepted = await store.accept(message("1.0"))
    ticket = Ticket(accepted.task, 1)
    old = await store.begin(ticket, "old")
    log = await TaskLog.load(database, accepted.task, "old")
    worker = await log.for_agent("w1")
    await log.append("user", {"text": "one"})
    await store.begin(ticket, "new")

    for stream in (log, worker):
        with pytest.raises(StaleRunner):
            await stream.append("user", {"text": "two"})
    with pytest.raises(StaleRunner):
        await store.outbox.intend(accepted.task, "end:0", runner="old")
    assert old is not None
    with pytest.raises(StaleRunner):
        await store.park(old, seconds=1)
    assert len(await store.events(accepted.task)) == 1
    await database.close()


async def test_a_begin_waits_for_an_append_that_is_under_way(postgres_url: str) -> None:
    """Otherwise the next runner would read a log that lacks its last entry, and pay for that again."""
    database = Database(postgres_url)
    await database.open()
    store = TaskStore(database)
    ticket = Ticket((await store.accept(message("1.0"))).task, 1)
    await store.begin(ticket, "old")
    async with database.write() as connection:
        mine = select(schema.task.c.id).where(schema.task.c.runner == "old").with_for_update(read=True)
        await connection.execute(mine)
        beginning = asyncio.create_task(store.begin(ticket, "new"))
        done, _ = await asyncio.wait([beginning], timeout=0.5)
        assert not done
    assert (await beginning) is not None
    await database.close()


async def test_an_insert_that_was_committed_unseen_is_not_a_conflict(database_url: str) -> None:
    """Trap 11: a retried INSERT after a lost connection may have been committed."""
    database = Database(database_url)
    await database.open()
    store = TaskStore(database)
    accepted = await store.accept(message("1.0"))
    await store.begin(Ticket(accepted.task, 1), "me")
    log = await TaskLog.load(database, accepted.task, "me")
    row = {
        "task": accepted.task, "agent": "", "seq": 0, "kind": "user", "body": {"text": "one"}, "version": 2,
        "runner": "me", "at": 1.0, "worked": 0.0,
    }  # fmt: skip
    await log._insert(row)
    await log._insert(row)
    with pytest.raises(StaleRunner):
        await log._insert({**row, "body": {"text": "another"}, "at": 2.0})
    assert len(await store.events(accepted.task)) == 1
    await database.close()


async def test_a_full_disk_is_waited_for_and_reported(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'handoff.db'}")
    await database.open()
    store, patient = TaskStore(database), TaskStore(database, patience=60)
    accepted = await store.accept(message("1.0"))
    await limit_pages(database, free=0)
    big = message("2.0", "x" * 200_000)

    with pytest.raises(OperationalError) as caught:
        await store.accept(big)
    assert describe_outage(caught.value) == "the disk of the database is full"
    waiting = asyncio.create_task(patient.accept(big))
    while not await database.check():  # noqa: ASYNC110 - as a client of /readyz does
        await asyncio.sleep(0.02)
    assert await database.check() == "the disk of the database is full"
    await limit_pages(database, free=100_000)
    later = await waiting

    assert await database.check() == ""
    assert {task.id for task in await store.recent()} == {accepted.task, later.task}
    async with database.read() as connection:
        assert (await connection.execute(text("PRAGMA integrity_check"))).scalar() == "ok"
    await database.close()


async def test_a_server_that_is_away_is_waited_for(own_postgres: Postgres, own_postgres_url: str) -> None:
    database = Database(own_postgres_url)
    await database.open()
    store, patient = TaskStore(database), TaskStore(database, patience=60)
    earlier = await store.task((await store.accept(message("0.5"))).task)
    assert earlier is not None
    try:
        own_postgres.stop()
        with pytest.raises(Exception) as caught:  # noqa: PT011 - it is asked below which
            await store.accept(message("1.0"))
        assert describe_outage(caught.value) == "the database can't be reached"
        assert await database.check() == "the database can't be reached"
        waiting = asyncio.create_task(patient.accept(message("1.0")))
        remembering = asyncio.create_task(History(database, patient)._reports(["t0"]))
        drafting = asyncio.create_task(KeyValueStore(database, patience=60).put("task t0", "draft", "1.0"))
        kept, proposals = KeyValueStore(database, patience=60), NoteProposals(database, patience=60)
        choosing = asyncio.create_task(ChannelPreferences(kept).figures(message("1.0").thread))
        proposing = asyncio.create_task(proposals.propose("t0", "Amounts are net."))
        deciding = asyncio.create_task(
            proposals.decide(earlier, "none", keep=True, user="U1", user_name="Ann")
        )
        calls = (waiting, remembering, drafting, choosing, proposing, deciding)
        assert not (await asyncio.wait(calls, timeout=1))[0]
    finally:
        own_postgres.start()
    accepted = await waiting
    assert await remembering == {}
    await drafting
    assert await choosing is FiguresMode.ON
    assert await proposing
    assert await deciding is Decided.GONE
    assert await KeyValueStore(database).get("task t0", "draft") == "1.0"
    assert await database.check() == ""
    assert {task.id for task in await store.recent()} == {accepted.task, earlier.id}
    await database.close()


async def test_a_server_that_only_follows_another_is_waited_for_and_reported(
    postgres_server: Postgres, postgres_url: str
) -> None:
    """As after a failover, until the address leads to the server that takes writes."""
    database = Database(postgres_url)
    await database.open()
    patient = TaskStore(database, patience=60)
    set_read_only(postgres_server, postgres_url, "on")
    problem = await database.check()
    assert problem.startswith("the database is read-only; after a failover")
    waiting = asyncio.create_task(patient.accept(message("1.0")))
    await asyncio.sleep(1)
    assert not waiting.done()
    set_read_only(postgres_server, postgres_url, "off")
    accepted = await waiting
    assert await database.check() == ""
    assert [task.id for task in await patient.recent()] == [accepted.task]
    await database.close()


async def test_tables_that_are_gone_are_reported(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    assert await database.check() == ""
    async with database.write() as connection:
        for table in reversed(schema.metadata.sorted_tables):
            await connection.execute(text(f"DROP TABLE {table.name}"))
    assert (await database.check()).startswith("tables of the database are missing; stop Handoff")
    await database.close()


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_was_taken_away_while_it_is_open_is_reported(
    tmp_path: Path, replaced: bool
) -> None:
    """What is open goes on without a fault, and all that it takes is lost at its end."""
    path = tmp_path / "handoff.db"
    database = Database(f"sqlite:///{path}")
    await database.open()
    content = path.read_bytes()
    path.unlink()
    if replaced:
        path.write_bytes(content)
    assert (await database.check()).startswith(f"{path} was removed or replaced while in use")
    await database.close()


async def test_patience_ends_and_never_hides_another_fault() -> None:
    tries: list[str] = []

    async def away() -> None:
        tries.append("")
        raise ConnectionRefusedError

    async def wrong() -> None:
        tries.append("")
        raise ValueError("no such thing")

    with pytest.raises(ConnectionRefusedError):
        await retrying(away, seconds=0.5, waits=(0.1, 2.0))
    assert len(tries) > 1
    tries.clear()
    with pytest.raises(ValueError, match="no such thing"):
        await retrying(wrong, seconds=60, waits=(0.1, 2.0))
    assert len(tries) == 1


async def test_a_ticket_is_queued_with_the_commit_of_its_transaction_only(database: Database) -> None:
    tickets = Tickets(database)

    async def fail() -> None:
        async with database.write() as connection:
            enqueue(connection, Ticket("t1", 1))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with database.write() as connection:
        enqueue(connection, Ticket("t2", 1))
        assert tickets.pop() == []
    assert tickets.pop() == [Ticket("t2", 1)]
