"""`handoff tasks [ID]`: lists tasks and what they used, or shows one with its log, or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING

from bot.settings import Settings

if TYPE_CHECKING:
    from agents.conversation import Json
    from tasks.store.database import Database
    from tasks.store.rows import LogRow
    from tasks.task import Task


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("tasks", help="list tasks, or show one task's log", description=__doc__)
    parser.add_argument("id", nargs="?", help="a task's id; without one the newest tasks are listed")
    parser.add_argument("--limit", type=_at_least_one, default=30, help="tasks to list (default: 30)")
    parser.add_argument("--rated", choices=("up", "down"), help="only tasks rated so, with people's reasons")
    parser.add_argument("--play", action="store_true", help="the tasks of `handoff play` and `make run`")
    parser.add_argument(
        "--json", action="store_true", help="everything that is stored of the task, for programs"
    )


def _at_least_one(given: str) -> int:
    if not given.isdecimal() or not int(given):
        raise argparse.ArgumentTypeError(f"it must be a whole number from 1, not {given!r}")
    return int(given)


async def problems(args: argparse.Namespace, settings: Settings) -> tuple[str, ...]:
    if args.json and not args.id:
        return ("--json is for one task: give its ID too.",)
    return ("--rated lists tasks: leave the ID out.",) if args.rated and args.id else ()


async def run(args: argparse.Namespace, settings: Settings) -> int:
    from bot.commands.play import playground
    from bot.factories.database import open_existing

    if args.play:
        settings = playground(settings)
    async with open_existing(settings.database_url) as database:
        if database is None:
            there = "" if args.play else " Add --play for those of `make run`."
            print(f"There are no tasks yet.{there}", file=sys.stderr if args.id else sys.stdout)
            return 1 if args.id else 0
        if args.rated:
            return await _list_rated(database, args.rated, args.limit)
        if not args.id:
            return await _list(database, args.limit)
        return await (_export if args.json else _one)(database, args.id, settings)


async def _list(database: Database, limit: int) -> int:
    from tasks.store.tasks import TaskStore

    for task in await TaskStore(database).recent(limit):
        print(_summary(task))
    return 0


async def _list_rated(database: Database, rated: str, limit: int) -> int:
    from tasks.store.ratings import BAD, GOOD, Ratings
    from text.excerpt import one_line

    for found in await Ratings(database).rated(BAD if rated == "down" else GOOD, limit=limit):
        print(_summary(found.task))
        for reason in found.reasons:
            print(f"    {one_line(reason, 500)}")
    return 0


def _summary(task: Task) -> str:
    money = "–" if task.cost is None else f"${task.cost:.2f}"
    used = f"{_took(task):>8}  {task.tokens:>9,}  {money:>6}"
    return f"{task.id}  {_when(task.created_at)}  {_state(task):11}  {used}  {_line(task)}"


async def _export(database: Database, id_: str, settings: Settings) -> int:
    from bot.factories.files import make_thread_files
    from tasks.message import ThreadAddress
    from tasks.store.export import export

    found = await export(database, id_)
    if found is None:
        return _unknown(id_)
    task = found["task"]
    thread = ThreadAddress(task["team"], task["channel"], task["thread_ts"])
    place = make_thread_files(settings, database).place(thread)
    print(json.dumps(found | {"files": place}, ensure_ascii=False, indent=1))
    return 0


async def _one(database: Database, id_: str, settings: Settings) -> int:
    from agents.report import reached_hosts
    from agents.tracing import trace_id
    from bot.observability.timeline import render_timeline
    from tasks.store.tasks import TaskStore
    from text.excerpt import one_line

    store = TaskStore(database)
    task = await store.task(id_)
    if task is None:
        return _unknown(id_)
    rows = await store.events(id_)
    print(f"{task.id}  {_state(task)}  {_took(task)}  {task.workers} workers, {task.tokens:,} tokens")
    print(f"asked by {task.user_name} in {task.thread.channel}, {_when(task.created_at)}: {task.request}\n")
    if settings.trace_endpoint:
        print(f"trace {trace_id(task.id)}\n")
    if hosts := reached_hosts(row["body"] for row in rows):
        print(f"reached {', '.join(hosts)}\n")
    print("\n".join([*render_timeline(task, rows), ""]))
    for row in rows:
        print(f"{_when(row['at'])}  {row['agent'] or '-':4} {row['kind']:8} {one_line(_text_of(row), 160)}")
        for request in row["body"].get("facts", {}).get("requests", ()):
            print(f"{'':26} {one_line(_request(request), 160)}")
    if task.answer or task.reason:
        print("\n" + "\n".join(filter(None, [task.answer, task.reason])))
    return 0


def _unknown(id_: str) -> int:
    print(f"No task has the id {id_}. `handoff tasks` lists those there are.", file=sys.stderr)
    return 1


def _text_of(row: LogRow) -> str:
    body = row["body"]
    match row["kind"]:
        case "opening":
            return str(body["turns"][-1]["text"])
        case "reply":
            calls = ", ".join(f"{call['name']}({call['arguments']})" for call in body["calls"])
            return " ".join(filter(None, [body["text"], calls]))
        case "worker":
            return f"{body['worker']}: {body['title']}"
    return str(body.get("text") or body.get("question") or body.get("reason") or "")


def _request(request: Json) -> str:
    """One request of a program, in a line."""
    ended = request["refusal"] or request["status"]
    size = f"{request['sent']:,} bytes sent, {request['received']:,} received"
    return f"{request['method']} {request['host']}:{request['port']}  {ended}  {size}, {request['seconds']} s"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _state(task: Task) -> str:
    return "quarantined" if task.quarantined else task.state.value


def _took(task: Task) -> str:
    return "–" if task.seconds is None else f"{task.seconds:.1f} s"


def _line(task: Task) -> str:
    from text.excerpt import one_line

    return one_line(f"{task.user_name}: {task.request}", 80)
