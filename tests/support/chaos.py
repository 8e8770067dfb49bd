"""`kill -9` at random moments, and the count of what was lost, doubled or repeated.

    python -m tests.support.chaos --jobs 100

The bots are real processes of `handoff serve`: one on SQLite, two on PostgreSQL. Prints the count of each and
exits with 1 if anything was lost or doubled, or a call made again that was not in flight at a kill.
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
from datetime import datetime
from pathlib import Path

from tests.support.bot_processes import Process
from tests.support.database_templates import copy_migrated
from tests.support.postgres import postgres
from tests.support.workload import CHANNEL, Tally, Workload, workload

#: Seconds without one more answer after which the rest is taken for lost.
PATIENCE = 60.0


#: Seconds from one kill to the next, start included: new jobs come for as long as there are kills.
_ROUND = 3.0


async def chaos(urls: Sequence[str], folder: Path, *, jobs: int, kills: int) -> Tally:
    """Gives jobs to one process per URL, and kills and restarts some of them."""
    for url in urls:
        if url.startswith("sqlite"):
            await copy_migrated(url)
    async with workload() as load, AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(Process(f"node {n}", load.settings(folder, url), load.broke))
            for n, url in enumerate(urls)
        ]
        async with asyncio.TaskGroup() as group:
            group.create_task(load.give(jobs, pause=kills * _ROUND / jobs))
            killed = await kill_some(nodes, kills)
        await load.finish(PATIENCE)
        # Slack sends each message once more: none is new.
        await send_again(load)
        if taken := taken_over(nodes, killed):
            print(f"taken over after {statistics.median(taken):.1f} s, {max(taken):.1f} s at most")
        tally = load.tally()
        if tally.lost or tally.doubled:
            unlucky = [load.given[number] for number in load.given if load.answers(number) != 1]
            print(f"threads: {unlucky}", *(f"--- {node.name} ---\n{node.log}" for node in nodes), sep="\n")
        return tally


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


async def _report(jobs: int, kills: int, databases: Sequence[str]) -> bool:
    fine = True
    for database in databases:
        with tempfile.TemporaryDirectory(prefix="handoff-chaos-") as folder:
            began = time.monotonic()
            if database == "sqlite":
                url = f"sqlite:///{folder}/handoff.db"
                tally = await chaos([url], Path(folder), jobs=jobs, kills=kills)
            else:
                tally = await _on_postgres(Path(folder), jobs, kills)
            print(f"{database}: {tally}; {kills} kills, {time.monotonic() - began:.0f} s", flush=True)
            fine = fine and tally.lost == tally.doubled == tally.needless == 0
    return fine


async def _on_postgres(folder: Path, jobs: int, kills: int) -> Tally:
    with postgres() as server:
        url = server.create()
        return await chaos([url, url], folder, jobs=jobs, kills=kills)


def main() -> None:
    parser = argparse.ArgumentParser(description="kill -9 at random moments, and count")
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--kills", type=int, help="default: one for every five jobs")
    parser.add_argument("--database", choices=["sqlite", "postgres"], action="append")
    parser.add_argument("--seed", type=int, default=None, help="for the moments and the victims")
    given = parser.parse_args()
    seed = random.randrange(10**6) if given.seed is None else given.seed
    random.seed(seed)
    print(f"seed {seed}", flush=True)
    kills = given.kills or max(1, given.jobs // 5)
    fine = asyncio.run(_report(given.jobs, kills, given.database or ["sqlite", "postgres"]))
    raise SystemExit(0 if fine else 1)


if __name__ == "__main__":
    main()
