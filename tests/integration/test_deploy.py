"""A task that the first version began is ended right by today's, whatever it stood at when it was stopped.

The tables are those of that version's migration, and the rows are spelled as it spelled them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, MetaData, insert

from tasks.queue.placement import Placement
from tasks.store.acceptance import AcceptedAs
from tasks.store.database import SCHEMA, Database, migrate
from tasks.task import State, Ticket
from tests.support.scripted_model import Asked, Call, Reply, Say, ScriptedModel
from tests.support.task_harness import CHANNEL, TEAM, message, task_harness

Body = Mapping[str, Any]
#: When it all happened, in seconds since 1970.
THEN = 1_700_000_000.0


def opening(text: str) -> tuple[str, Body]:
    return "opening", {"turns": [{"who": "user", "text": text}]}


def reply(*calls: tuple[str, str, Body]) -> tuple[str, Body]:
    """A turn of nothing but calls, each an id, a name and the arguments."""
    spelled = [{"id": id_, "name": name, "arguments": json.dumps(given)} for id_, name, given in calls]
    raw = [
        {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
        for c in spelled
    ]
    return "reply", {
        "text": "", "calls": spelled, "finish": "tool_calls", "api": "chat",
        "usage": {"input": 100, "output": 10, "cached": 0},
        "raw": [{"role": "assistant", "content": "", "tool_calls": raw}],
    }  # fmt: skip


def result(call: str, text: str, **facts: Any) -> tuple[str, Body]:
    return "result", {"call": call, "text": text, "note": "", "facts": facts}


def worker(name: str, call: str) -> tuple[str, Body]:
    return "worker", {"worker": name, "call": call, "title": f"Half {name}"}


REPORT = {"status": "done", "summary": "seven", "evidence": "", "files": [], "open_points": ""}
#: By task and agent. `half` has one worker done, and one whose turn was answered in part.
LOG: Mapping[tuple[str, str], Sequence[tuple[str, Body]]] = {
    ("half", ""): [
        opening("Count both halves"),
        reply(
            ("c1", "create_worker", {"task_description": "the first"}),
            ("c2", "create_worker", {"task_description": "the second"}),
        ),
        worker("w1", "c1"),
        worker("w2", "c2"),
        result("c1", '{"worker": "w1", "summary": "seven"}', tokens=220,
               worker={"worker": "w1", "title": "Half w1", "status": "done", "files": []}),
    ],
    ("half", "w1"): [
        opening("the first"),
        reply(("a1", "report", {"status": "done", "summary": "seven"})),
        result("a1", "seven", report=REPORT),
    ],
    ("half", "w2"): [
        opening("the second"),
        reply(("b1", "count", {}), ("b2", "report", {"status": "done", "summary": "eight"})),
        result("b1", "Error: there is no tool count. The tools are: execute_python_code, report."),
    ],
    ("parked", ""): [
        opening("Paint it"),
        reply(("q1", "ask_user", {"question": "Which colour?", "options": ["red", "blue"]})),
        ("asked", {"call": "q1", "question": "Which colour?"}),
    ],
}  # fmt: skip
STATES = {"half": State.RUNNING, "parked": State.WAITING, "queued": State.QUEUED}


def as_it_was_left(connection: Connection) -> None:
    migrate(connection, "0001")
    tables = MetaData()
    tables.reflect(connection, schema=None if connection.dialect.name == "sqlite" else SCHEMA)
    made = {table.name: table for table in tables.sorted_tables}
    place = {"team": TEAM, "channel": CHANNEL}
    for number, (id_, state) in enumerate(STATES.items(), start=1):
        ts, at = f"{number}.0", THEN + number
        task: dict[str, Any] = {
            **place, "id": id_, "thread_ts": ts, "message_ts": ts, "user": "U1", "user_name": "Ann",
            "request": id_, "files": [], "state": state.value, "attempt": 1, "created_at": at,
            "started_at": None if state is State.QUEUED else at, "answer": "", "reason": "", "workers": 0,
            "tokens": 0,
        }  # fmt: skip
        connection.execute(insert(made["task"]).values(task))
        connection.execute(insert(made["message"]).values(**place, ts=ts, task=id_, at=at))
    for (id_, agent), entries in LOG.items():
        for seq, (kind, body) in enumerate(entries):
            row = {"task": id_, "agent": agent, "seq": seq, "kind": kind, "body": body, "version": 1}
            connection.execute(insert(made["event"]).values(**row, runner="an old one", at=THEN))


async def placed_as_it_was_left(url: str) -> None:
    """What the library keeps: one task that runs in a process that is gone, one in the queue, one parked."""
    running = asyncio.Event()

    async def body(ticket: Ticket) -> None:
        if ticket.task == "half":
            running.set()
            await asyncio.sleep(3600)

    placement = Placement(Database(url).url, body, at_once=1)
    if url.startswith("sqlite"):
        placement.node = "local"
    await placement.open()
    await placement.place(Ticket("parked", 1))
    while not (await placement.known([Ticket("parked", 1)]))[Ticket("parked", 1)]:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await placement.place(Ticket("half", 1))
    await running.wait()
    await placement.place(Ticket("queued", 1))
    await placement.close()


async def answer(asked: Asked) -> Reply | None:
    said = str(asked.body["messages"])
    if "Count both halves" in said and not asked.is_worker:
        both = "seven" in asked.results[0] and "eight" in asked.results[1]
        return Say("Fifteen." if both else f"Something is gone: {asked.results}")
    if asked.is_worker:
        return Call("report", {"status": "done", "summary": "eight"})
    if "Which colour?" in said:
        return Say(f"It is {asked.results[-1]}.")
    return Say("Done.")


async def test_what_the_first_version_began_ends_with_todays(database_url: str, tmp_path: Path) -> None:
    old = Database(database_url)
    async with old._engine.begin() as connection:
        await connection.run_sync(as_it_was_left)
    await old.close()
    await placed_as_it_was_left(database_url)

    async with ScriptedModel(answer) as model, task_harness(database_url, model, tmp_path) as harness:
        ends = {id_: await harness.until(id_) for id_ in ("half", "queued")}
        parked = await harness.engine.store.task("parked")
        assert parked is not None
        assert parked.state is State.WAITING
        taken = await harness.engine.accept(message("2.1", "red", thread="2.0"))
        ends["parked"] = await harness.until("parked")
        again = await harness.engine.accept(message("1.0"))

        assert (taken.kind, taken.task) == (AcceptedAs.ANSWER, "parked")
        assert (again.kind, again.task) == (AcceptedAs.REPEATED, "half")
        assert {id_: (task.state, task.answer) for id_, task in ends.items()} == {
            "half": (State.ANSWERED, "Fifteen."),
            "queued": (State.ANSWERED, "Done."),
            "parked": (State.ANSWERED, "It is Ann: red."),
        }
        workers = [ask for ask in model.requests if ask.is_worker]
        assert "a report comes alone" in workers[0].results[-1], (
            "the first version took it beside other calls"
        )
        assert (len(workers), len(model.requests)) == (1, 4), "nothing that was paid for is asked again"
        assert ends["half"].workers == 2
        assert ends["half"].tokens > 330, "what the first version used is counted in"
        delivered = {id_: [d.state for d in harness.threads.delivered[id_]] for id_ in ends}
        assert delivered == {id_: [State.ANSWERED] for id_ in ends}
        assert model.problems == []
