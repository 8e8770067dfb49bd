"""How many statements the frequent operations send to PostgreSQL: each is a round trip."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event

from tasks.errors import StaleRunner
from tasks.message import ThreadAddress
from tasks.store.database import Database
from tasks.store.key_value import KeyValueStore
from tasks.store.log import TaskLog
from tasks.store.preferences import ChannelPreferences
from tasks.store.tasks import TaskStore
from tasks.task import Ticket
from tests.support.databases import opened
from tests.support.task_harness import message


class Statements:
    """What a database sends, BEGIN and COMMIT included."""

    def __init__(self, database: Database) -> None:
        self.sent: list[str] = []
        self.database = database

        @event.listens_for(database._engine.sync_engine, "before_cursor_execute")
        def _sent(_: object, __: object, statement: str, *___: object) -> None:
            self.sent.append(statement)

        # asyncpg's logger sees BEGIN and COMMIT, and no prepared statement.
        @event.listens_for(database._engine.sync_engine, "checkout")
        def _watch(connection: Any, record: Any, _: object) -> None:
            if "watched" not in record.info:
                record.info["watched"] = True
                connection.driver_connection.add_query_logger(lambda query: self.sent.append(query.query))

    def since(self) -> list[str]:
        sent, self.sent = self.sent, []
        return [query.split()[0].rstrip(";") for query in sent]


@pytest.fixture
async def statements(postgres_url: str) -> AsyncIterator[Statements]:
    async with opened(postgres_url) as database:
        yield Statements(database)


async def test_an_entry_of_the_log_and_a_value_are_one_statement_each(statements: Statements) -> None:
    store, values = TaskStore(statements.database), KeyValueStore(statements.database)
    ticket = Ticket((await store.accept(message("1.0"))).task, 1)
    await store.begin(ticket, "me")
    log = await TaskLog.load(statements.database, ticket.task, "me")
    statements.since()

    await log.append("note", {"text": "one"})
    assert statements.since() == ["INSERT"]
    await values.put("place", "name", 1)
    assert statements.since() == ["INSERT"]
    await values.get("place", "name")
    assert statements.since() == ["SELECT"]

    await store.begin(ticket, "other")
    assert {"BEGIN", "COMMIT"} <= set(statements.since()), "they would be seen"
    with pytest.raises(StaleRunner):
        await log.append("note", {"text": "late"})
    assert [entry.body for entry in log.entries] == [{"text": "one"}]


async def test_the_preferences_of_a_channel_are_one_statement(statements: Statements) -> None:
    values = ChannelPreferences(KeyValueStore(statements.database), lambda *_: None)
    await values.put("T1", "C1", "usage", "on")
    await values.put("T1", "C2", "progress", "off")
    statements.since()
    found = await values.all(ThreadAddress("T1", "C1", "1.0"))
    assert statements.since() == ["SELECT"]
    assert found == {"follow-ups": "on", "progress": "full", "usage": "on", "figures": "on"}
