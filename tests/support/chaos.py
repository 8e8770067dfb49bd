"""`kill -9` at random moments, and the count of what was lost, doubled or repeated.

    python -m tests.support.chaos --jobs 100
    python -m tests.support.chaos --jobs 100 --orders --database postgres
    python -m tests.support.chaos --jobs 100 --database postgres --bots 4 --bucket --freeze 60 --outage 30
    python -m tests.support.chaos --jobs 100 --database postgres --dead-engine 60

The bots are real processes of `handoff serve`: one on SQLite, two or more on PostgreSQL. After the kills one
bot is frozen, PostgreSQL is stopped, and the Docker Engine of one bot is away, for so many seconds each,
while jobs come in. With a bucket each bot has a data folder of its own, and each job a file; with a dead
engine, each job runs two programs. With `--orders` each job is a standing order for once. Prints the count of
each and exits with 1 if anything was lost or doubled, or a call made again that was not in flight at a kill.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from tasks.orders.order import Order, OrderKind, OrderState
from tasks.orders.rows import order_row
from tasks.store import schema
from tasks.store.database import Database
from tests.support.bot_processes import Process
from tests.support.buckets import S3, new_bucket, s3_process
from tests.support.database_templates import copy_migrated
from tests.support.engine_proxy import EngineProxy
from tests.support.postgres import Postgres, postgres
from tests.support.workload import CHANNEL, USER, Tally, Workload, workload

#: Seconds without one more answer after which the rest is taken for lost.
PATIENCE = 60.0


#: Seconds from one kill to the next, start included: new jobs come for as long as there are kills.
_ROUND = 3.0


@dataclass(frozen=True)
class Faults:
    """What goes wrong, one after the other, while jobs come in."""

    kills: int
    freeze: float = 0.0
    """Seconds that one bot is stopped by SIGSTOP."""
    outage: float = 0.0
    """Seconds without PostgreSQL."""
    dead_engine: float = 0.0
    """Seconds that the first bot has no Docker Engine."""

    @property
    def seconds(self) -> float:
        return self.kills * _ROUND + self.freeze + self.outage + self.dead_engine


async def chaos(
    urls: Sequence[str], folder: Path, *, jobs: int, faults: Faults, server: Postgres | None = None,
    bucket: S3 | None = None, orders: bool = False,
) -> Tally:  # fmt: skip
    """Gives jobs to one process per URL while the faults happen; `server` is the PostgreSQL to stop."""
    for url in urls:
        if url.startswith("sqlite"):
            await copy_migrated(url)
    async with workload() as load, AsyncExitStack() as stack:
        load.runs_code = bool(faults.dead_engine)
        engine = EngineProxy(folder / "engine.sock")
        await engine.open()
        stack.push_async_callback(engine.close)
        nodes = []
        for n, url in enumerate(urls):
            own = {"DOCKER_HOST": f"unix://{engine.path}"} if load.runs_code and n == 0 else {}
            settings = {**_settings(load, folder, url, n, bucket), **own}
            nodes.append(await stack.enter_async_context(Process(f"node {n}", settings, load.broke)))
        async with asyncio.TaskGroup() as group:
            if orders:
                await give_orders(load, urls[0], jobs, faults.seconds)
            else:
                pause = faults.seconds / jobs
                group.create_task(load.give(jobs, pause=pause, attach=bucket is not None))
            killed = await kill_some(nodes, faults.kills)
            await disturb(faults, load, nodes[0], engine, server)
        if orders:
            await find_runs(load, jobs)
        await load.finish(PATIENCE)
        # Slack sends each message once more: none is new.
        await send_again(load)
        if taken := taken_over(nodes, killed):
            print(f"taken over after {statistics.median(taken):.1f} s, {max(taken):.1f} s at most")
        tally = load.tally()
        if tally.lost or tally.doubled or tally.needless:
            again = {name: count for name, count in load.asked.items() if count > 1}
            print(f"calls made again: {again}")
            for number in load.given:
                if load.answers(number) != 1:
                    replies = load.slack.state.replies(CHANNEL, load.given[number])
                    print(f"--- job {number} ---", *replies, sep="\n")
            print(*(f"--- {node.name} ---\n{node.log}" for node in nodes), sep="\n")
        return tally


async def disturb(
    faults: Faults, load: Workload, node: Process, engine: EngineProxy, server: Postgres | None
) -> None:
    """Freeze `node`, stop `server`, and take away the engine of `node`, each for its time."""
    if faults.freeze:
        node.freeze()
        await asyncio.sleep(faults.freeze)
        node.thaw()
    if faults.outage and server is not None:
        with load.outage():
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(faults.outage)
            await asyncio.to_thread(server.start)
    if faults.dead_engine:
        load.broke()
        await engine.close()
        await asyncio.sleep(faults.dead_engine)
        await engine.open()


async def give_orders(load: Workload, url: str, jobs: int, seconds: float) -> None:
    """Store that many standing orders for once, started, due one after the other within `seconds`."""
    database = Database(url)  # not opened: on SQLite it is the bot's alone
    first = int(time.time()) + 2
    rows = [
        order_row(
            Order(
                id=f"o{n}", team=load.slack.team_id, channel=CHANNEL, owner=USER, owner_name="Ada",
                kind=OrderKind.SCHEDULE, title=_title(n), task=f"do job {n}", state=OrderState.ACTIVE,
                when=datetime.fromtimestamp(at, UTC).isoformat(), next_at=float(at),
            )
        )
        for n in range(jobs)
        for at in [first + int(n * seconds / jobs)]
    ]  # fmt: skip
    async with database.write() as connection:
        await connection.execute(insert(schema.standing_order), rows)
    await database.close()


async def find_runs(load: Workload, jobs: int) -> None:
    """Wait for the threads of all runs, until none has come for some time. Raises `AssertionError` for a run
    with two threads."""
    found, until = 0, time.monotonic() + PATIENCE
    while time.monotonic() < until and len(load.given) < jobs:
        await asyncio.sleep(0.5)
        if len(load.given) > found:
            found, until = len(load.given), time.monotonic() + PATIENCE
        messages = load.slack.state.history(CHANNEL)
        for n in range(jobs):
            threads = [m.ts for m in messages if m.thread_ts is None and f"*{_title(n)}*" in m.text]
            assert len(threads) <= 1, f"{_title(n)} ran in {threads}"
            if threads:
                load.given[n] = threads[0]
    load.given.update({n: "" for n in range(jobs) if n not in load.given})


def _title(number: int) -> str:
    return f"Order {number}"


def _settings(load: Workload, folder: Path, url: str, number: int, bucket: S3 | None) -> Mapping[str, str]:
    if bucket is None:
        return load.settings(folder, url)
    return {**load.settings(folder / str(number), url), **bucket.settings()}


async def kill_some(nodes: Sequence[Process], kills: int) -> dict[str, float]:
    """Kill one at a time, at a random moment of its work, and start it again at once. Returns when each was
    killed, by its name among the others on PostgreSQL."""
    killed = {}
    for _ in range(kills):
        await asyncio.sleep(random.uniform(0.2, 2.0))
        victim = random.choice(nodes)
        await victim.kill()
        killed.update({line["node"]: time.time() for line in victim.logged("node joined")[-1:]})
        await victim.start()
    return killed


def taken_over(nodes: Sequence[Process], killed: Mapping[str, float]) -> list[float]:
    """Seconds from each death until its tasks were free for others."""
    takeovers = [line for node in nodes for line in node.logged("tasks taken over")]
    moments = {line["node"]: datetime.fromisoformat(line["timestamp"]).timestamp() for line in takeovers}
    return [moments[name] - died for name, died in killed.items() if name in moments]


async def send_again(load: Workload) -> None:
    for ts in load.given.values():
        if (message := load.slack.state.message(CHANNEL, ts)) is not None:
            load.slack._events.posted(message)
    await asyncio.sleep(2)


async def _report(given: argparse.Namespace, kills: int) -> bool:
    fine = True
    for database in given.database or ["sqlite", "postgres"]:
        with tempfile.TemporaryDirectory(prefix="handoff-chaos-") as folder:
            began = time.monotonic()
            if database == "sqlite":
                url = f"sqlite:///{folder}/handoff.db"
                tally = await chaos(
                    [url], Path(folder), jobs=given.jobs, faults=Faults(kills), orders=given.orders
                )
            else:
                tally = await _on_postgres(Path(folder), given, kills)
            print(f"{database}: {tally}; {kills} kills, {time.monotonic() - began:.0f} s", flush=True)
            fine = fine and tally.lost == tally.doubled == tally.needless == 0
    return fine


async def _on_postgres(folder: Path, given: argparse.Namespace, kills: int) -> Tally:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(postgres())
        bucket = None
        if given.bucket:
            bucket = await stack.enter_async_context(new_bucket(stack.enter_context(s3_process())))
        faults = Faults(kills, given.freeze, given.outage, given.dead_engine)
        return await chaos(
            [server.create()] * given.bots, folder, jobs=given.jobs, faults=faults, server=server,
            bucket=bucket, orders=given.orders,
        )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="kill -9 at random moments, and count")
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--kills", type=int, help="default: one for every five jobs")
    parser.add_argument("--database", choices=["sqlite", "postgres"], action="append")
    parser.add_argument("--bots", type=int, default=2, help="on PostgreSQL")
    parser.add_argument("--orders", action="store_true", help="each job is a standing order for once")
    parser.add_argument("--bucket", action="store_true", help="files in a bucket, on PostgreSQL")
    parser.add_argument("--freeze", type=float, default=0.0, metavar="SECONDS", help="one bot, by SIGSTOP")
    parser.add_argument("--outage", type=float, default=0.0, metavar="SECONDS", help="of PostgreSQL")
    parser.add_argument("--dead-engine", type=float, default=0.0, metavar="SECONDS", help="one bot's")
    parser.add_argument("--seed", type=int, default=None, help="for the moments and the victims")
    given = parser.parse_args()
    seed = random.randrange(10**6) if given.seed is None else given.seed
    random.seed(seed)
    print(f"seed {seed}", flush=True)
    kills = given.kills or max(1, given.jobs // 5)
    fine = asyncio.run(_report(given, kills))
    raise SystemExit(0 if fine else 1)


if __name__ == "__main__":
    main()
