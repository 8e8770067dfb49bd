"""An append that is cancelled, at whatever moment, leaves a log that goes on. Needs the databases."""

from __future__ import annotations

import asyncio

from tasks.store.database import Database
from tasks.store.log import TaskLog
from tasks.store.tasks import TaskStore
from tasks.task import Ticket
from tests.support.task_harness import message

TRIES = 60


async def test_a_cancelled_append_is_whole_or_was_never_made(database_url: str) -> None:
    database = Database(database_url)
    await database.open()
    store = TaskStore(database)
    ticket = Ticket((await store.accept(message("1.0"))).task, 1)
    await store.begin(ticket, "me")
    log = await TaskLog.load(database, ticket.task, "me")
    for number in range(TRIES):
        writing = asyncio.ensure_future(log.append("user", {"text": f"cut {number}"}))
        await asyncio.sleep(number * 0.0001)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await log.append("user", {"text": f"after {number}"})
    known = [entry.body["text"] for entry in log.entries]
    stored = [row["body"]["text"] for row in await store.events(ticket.task)]
    assert known == stored
    assert sum(text.startswith("after") for text in known) == TRIES
    await database.close()
