"""What the bot lives through: killed, frozen, cut off from Slack and from its database. Real processes.

Needs Docker, since `handoff serve` looks for it, and PostgreSQL's programs.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest

from tests.support.bot_processes import Process
from tests.support.buckets import S3
from tests.support.chaos import Faults, chaos, send_again, taken_over
from tests.support.database_templates import copy_migrated
from tests.support.databases import set_read_only
from tests.support.engine_proxy import EngineProxy
from tests.support.postgres import Postgres
from tests.support.scripted_model import Asked, Call, Reply, Say
from tests.support.workload import CHANNEL, USER, Workload, workload

#: Seconds without one more answer after which a job is taken for lost.
PATIENCE = 60.0
STANDS_BY = "no engine for the sandboxes here, other processes run the tasks"
RUNS_AGAIN = "this process runs tasks again"
_HIRE = Call("create_worker", {"task_description": "Keep something and read it.", "title": "Keep"})


@pytest.fixture(autouse=True)
def ready_image(sandbox_image: str) -> str:
    """Without the sandbox's image `/readyz` would say so."""
    return sandbox_image


@pytest.fixture
async def load() -> AsyncIterator[Workload]:
    async with workload() as made:
        yield made


@asynccontextmanager
async def nodes(load: Workload, folder: Path, url: str, count: int = 2) -> AsyncIterator[list[Process]]:
    if url.startswith("sqlite"):
        await copy_migrated(url)
    settings = load.settings(folder, url)
    made = [Process(f"node {number}", settings, load.broke) for number in range(count)]
    try:
        for node in made:
            await node.__aenter__()
        yield made
    except BaseException:
        # pytest shows it with the failure.
        print(*(f"--- {node.name} ---\n{node.log}" for node in made), sep="\n")
        raise
    finally:
        for node in made:
            await node.__aexit__(None, None, None)


def nothing_lost(load: Workload, *, repeats: int) -> None:
    """Every job is answered once, and no single call was made again more often than there were breaks."""
    tally = load.tally()
    print(tally)
    assert (tally.lost, tally.doubled, tally.needless) == (0, 0, 0), tally
    assert tally.most_repeats <= repeats, tally


#: Jobs and kills of one run: a short one for every change, a long one before a release.
ROUNDS = [(4, 1), pytest.param(12, 4, marks=pytest.mark.soak)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("jobs", "kills"), ROUNDS)
async def test_kill_9_on_sqlite_loses_and_doubles_nothing(tmp_path: Path, jobs: int, kills: int) -> None:
    tally = await chaos([f"sqlite:///{tmp_path / 'handoff.db'}"], tmp_path, jobs=jobs, faults=Faults(kills))
    print(tally)
    assert (tally.lost, tally.doubled, tally.needless) == (0, 0, 0), tally


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_two_bots_with_a_bucket_share_the_files_through_a_kill(
    postgres_url: str, s3: S3, tmp_path: Path
) -> None:
    """The short form of `python -m tests.support.chaos --bots 4 --bucket --freeze 60 --outage 30`."""
    tally = await chaos([postgres_url] * 2, tmp_path, jobs=4, faults=Faults(1), bucket=s3)
    print(tally)
    assert (tally.lost, tally.doubled, tally.needless) == (0, 0, 0), tally
    assert (tmp_path / "1").is_dir()
    stored = [found for found in await s3.bucket().objects() if found.size == len(b"1,2\n" * 1000)]
    assert len(stored) == 4


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_kill_9_of_two_nodes_loses_and_doubles_nothing(postgres_url: str, tmp_path: Path) -> None:
    """The long form of `test_a_dead_nodes_tasks_go_on_elsewhere`, at random moments."""
    tally = await chaos([postgres_url] * 2, tmp_path, jobs=12, faults=Faults(4))
    print(tally)
    assert (tally.lost, tally.doubled, tally.needless) == (0, 0, 0), tally


@pytest.mark.timeout(180)
async def test_a_dead_nodes_tasks_go_on_elsewhere(
    load: Workload, postgres_server: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    async with nodes(load, tmp_path, postgres_url) as both:
        await load.give(8)
        await until(lambda: len(load.asked) > 12)
        first, _ = busiest_first(both, postgres_server, postgres_url)
        await first.kill()
        died = time.time()
        await load.finish(PATIENCE)
        await send_again(load)
        nothing_lost(load, repeats=1)
        (name,) = (line["node"] for line in first.logged("node joined"))
        (seconds,) = taken_over(both, {name: died})
        print(f"taken over after {seconds:.1f} s")
        held = "SELECT count(*) FROM dbos.workflow_status WHERE status = 'PENDING'"
        await until(lambda: postgres_server.ask(postgres_url, held) == "0")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "is_gone", [True, pytest.param(False, marks=pytest.mark.soak)], ids=["gone", "hangs"]
)
async def test_a_bot_whose_engine_is_dead_leaves_the_tasks_to_the_other(
    load: Workload, postgres_url: str, tmp_path: Path, *, is_gone: bool
) -> None:
    """Each job runs two programs; both bots read one queue."""
    load.runs_code = True
    engine = EngineProxy(tmp_path / "engine.sock")
    await engine.open()
    settings = load.settings(tmp_path, postgres_url)
    lame = Process("lame", {**settings, "DOCKER_HOST": f"unix://{engine.path}"}, load.broke)
    async with lame, Process("well", settings, load.broke):
        await load.give(4)
        await until(lambda: len(load.asked) > 6)
        load.broke()
        if is_gone:
            await engine.close()
        else:
            engine.hang()
        await until(lambda: bool(lame.logged(STANDS_BY)))
        load.broke()  # what it had goes on elsewhere
        await load.give(4)
        await load.finish(PATIENCE)
        tally = load.tally()
        print(tally)
        assert (tally.lost, tally.doubled, tally.needless) == (0, 0, 0), tally
        assert not lame.logged(RUNS_AGAIN)
        if is_gone:
            await engine.open()
        else:
            engine.wake()
        await until(lambda: bool(lame.logged(RUNS_AGAIN)))
    await engine.close()


@pytest.mark.timeout(180)
async def test_a_worker_goes_on_from_its_transcript_with_its_files_there(tmp_path: Path) -> None:
    died, asked_after = asyncio.Event(), asyncio.Event()
    asked: list[Asked] = []

    async def answer(ask: Asked) -> Reply | None:
        asked.append(ask)
        if not ask.is_worker:
            return Say(f"It says: {ask.results[-1]}") if ask.results else _HIRE
        if not ask.results:
            return Call("execute_python_code", {"code": "open('kept.txt', 'w').write('forty-two')"})
        if len(ask.results) == 1:
            asked_after.set()
            await died.wait()
            return Call("execute_python_code", {"code": "print(open('kept.txt').read())"})
        found = "forty-two" in ask.results[-1]
        return Call("report", {"status": "done", "summary": "read it" if found else "it is gone"})

    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    async with workload(answer=answer) as load, nodes(load, tmp_path, url, count=1) as (node,):
        ts = await load.slack.post(USER, CHANNEL, "@Handoff keep something")
        await asked_after.wait()
        await node.kill()
        died.set()
        await node.start()
        await until(lambda: any("It says:" in str(m) for m in load.slack.state.replies(CHANNEL, ts)))

        assert "read it" in str(load.slack.state.replies(CHANNEL, ts))
        first = [ask for ask in asked if ask.is_worker and not ask.results]
        assert len(first) == 1, "the run that was finished is not made again"


@pytest.mark.soak
@pytest.mark.timeout(180)
async def test_a_node_that_wakes_after_its_takeover_stops_without_a_word(
    load: Workload, postgres_server: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    async with nodes(load, tmp_path, postgres_url) as both:
        await load.give(6)
        await until(lambda: len(load.asked) > 8)
        first, second = busiest_first(both, postgres_server, postgres_url)
        first.freeze()
        await until(lambda: "tasks taken over" in second.log)
        await asyncio.sleep(0.5)
        first.thaw()
        await load.finish(PATIENCE)
        await asyncio.sleep(2)
        nothing_lost(load, repeats=1)
        # It is a member again: what comes now is done though the other one dies.
        await second.kill()
        await load.give(1)
        await load.finish(PATIENCE)
        nothing_lost(load, repeats=1)


@pytest.mark.soak
@pytest.mark.timeout(180)
async def test_a_rolling_restart_loses_nothing(load: Workload, postgres_url: str, tmp_path: Path) -> None:
    async with nodes(load, tmp_path, postgres_url) as (first, second), asyncio.TaskGroup() as group:
        giving = group.create_task(load.give(10, pause=0.6))
        await until(lambda: len(load.asked) > 4)
        assert await first.kill(signal.SIGTERM) == 0, first.log
        await first.start()
        # What this one leaves goes on in the new process.
        assert await second.kill(signal.SIGTERM) == 0, second.log
        await giving
        await load.finish(PATIENCE)
        nothing_lost(load, repeats=2)


@pytest.mark.timeout(180)
async def test_postgres_stopped_hard_and_back_drops_nothing(
    load: Workload, own_postgres: Postgres, own_postgres_url: str, tmp_path: Path
) -> None:
    """Trap 10: who gives up on a lost database throws away what was paid for."""
    async with nodes(load, tmp_path, own_postgres_url, count=1) as (node,):
        await load.give(4)
        await until(lambda: len(load.asked) > 6)
        try:
            await asyncio.to_thread(own_postgres.stop)
            away = time.monotonic()
            assert "the database can't be reached" in await readiness(node, 503)
            assert time.monotonic() - away < 3
            # Not acknowledged, so that Slack sends it again.
            await load.give(1)
            await asyncio.sleep(3)
        finally:
            await asyncio.to_thread(own_postgres.start)
        back = time.monotonic()
        assert await readiness(node, 200) == []
        seconds = time.monotonic() - back
        print(f"ready again after {seconds:.1f} s")
        assert seconds < 3
        await load.finish(PATIENCE)
        nothing_lost(load, repeats=0)


@pytest.mark.soak
@pytest.mark.timeout(240)
async def test_a_bot_is_stopped_while_its_database_does_not_answer(
    load: Workload, own_postgres: Postgres, own_postgres_url: str, tmp_path: Path
) -> None:
    """DBOS retries without limit to write there, in threads that the interpreter would wait for."""
    outages = ((own_postgres.freeze, own_postgres.thaw), (own_postgres.stop, own_postgres.start))
    async with nodes(load, tmp_path, own_postgres_url, count=1) as (node,):
        for away, back in outages:
            asked = len(load.asked)
            await load.give(3)
            await until(lambda before=asked: len(load.asked) > before + 4)  # type: ignore[misc]
            try:
                await asyncio.to_thread(away)
                async with asyncio.timeout(PATIENCE):
                    assert await node.kill(signal.SIGTERM) == 0
            finally:
                await asyncio.to_thread(back)
            await node.start()
            await load.finish(PATIENCE)
        # What was answered while nothing could be written down is paid for once more.
        tally = load.tally()
        assert (tally.lost, tally.doubled) == (0, 0), tally


@pytest.mark.timeout(180)
async def test_a_failover_to_a_server_that_takes_no_writes_for_a_while_drops_nothing(
    load: Workload, postgres_server: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    async with nodes(load, tmp_path, postgres_url, count=1) as (node,):
        await load.give(4)
        await until(lambda: len(load.asked) > 6)
        set_read_only(postgres_server, postgres_url, "on")
        await readiness(node, 503, "the database is read-only; ")
        await load.give(1)
        await asyncio.sleep(3)
        set_read_only(postgres_server, postgres_url, "off")
        await load.finish(PATIENCE)
        nothing_lost(load, repeats=0)
        assert await readiness(node, 200) == []


@pytest.mark.soak
@pytest.mark.timeout(180)
async def test_tables_dropped_under_a_bot_are_reported_and_the_figures_stay_readable(
    load: Workload, postgres_server: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    async with nodes(load, tmp_path, postgres_url, count=1) as (node,):
        for tables in ("handoff", "dbos"):
            drop_schema(postgres_server, postgres_url, tables)
            await readiness(node, 503, "tables of the database are missing; stop Handoff, restore")
            status, figures = await page(node, "/metrics")
            assert (status, "handoff_ready 0.0" in figures) == (200, True)
            assert await node.kill(signal.SIGTERM) == 0
            await node.start()
            assert await readiness(node, 200) == []
        await load.give(1)
        await load.finish(PATIENCE)
        nothing_lost(load, repeats=0)


@pytest.mark.timeout(120)
async def test_a_process_that_cannot_rejoin_ends_with_1_and_its_next_start_goes_on(
    load: Workload, postgres_server: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    async with nodes(load, tmp_path, postgres_url, count=1) as (node,):
        # A table of another shape, which DBOS does not migrate; then others have declared this node dead.
        drop_schema(postgres_server, postgres_url, "dbos")
        for statement in (
            "CREATE SCHEMA dbos", "CREATE TABLE dbos.workflow_status (id int)", "DELETE FROM handoff.node",
        ):  # fmt: skip
            postgres_server.ask(postgres_url, statement)
        async with asyncio.timeout(PATIENCE):
            assert await node.ended() == 1
        (reported,) = node.logged("the engine has stopped, no task runs here any more")
        assert reported["level"] == "error"
        assert "workflow_status" in str(reported["exception"]), "the operator sees why"
        postgres_server.ask(postgres_url, "DROP SCHEMA dbos CASCADE")
        await node.start()
        await load.give(1)
        await load.finish(PATIENCE)
        nothing_lost(load, repeats=0)


@pytest.mark.timeout(120)
async def test_a_post_whose_reply_was_lost_is_not_made_again(load: Workload, tmp_path: Path) -> None:
    async with nodes(load, tmp_path, f"sqlite:///{tmp_path / 'handoff.db'}", count=1):
        for method in ("chat.postMessage", "chat.startStream", "chat.stopStream", "chat.appendStream"):
            load.slack.lose_reply(method, times=2)
        await load.give(3)
        await load.finish(PATIENCE)
        await send_again(load)
        nothing_lost(load, repeats=0)


@pytest.mark.timeout(180)
async def test_a_second_process_on_one_file_says_so_and_ends(load: Workload, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    async with nodes(load, tmp_path, url, count=1):
        second = Process("second", load.settings(tmp_path, url))
        with closing(second), pytest.raises(AssertionError, match="Another Handoff is running") as reported:
            await second.start()
        assert "Traceback" not in str(reported.value)


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(1200):
        if is_so():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("it never came so far")


def drop_schema(server: Postgres, url: str, name: str) -> None:
    """The bot is using the tables, so PostgreSQL may refuse this, or the bot, because of a deadlock."""
    while True:
        try:
            server.ask(url, f"DROP SCHEMA {name} CASCADE")
        except RuntimeError as refused:
            if "deadlock detected" not in str(refused):
                raise
        else:
            return


def busiest_first(both: list[Process], server: Postgres, url: str) -> list[Process]:
    """The one that runs more tasks before the other, so that its loss matters."""
    held = "SELECT executor_id FROM dbos.workflow_status WHERE status = 'PENDING'"
    ids = server.ask(url, held).split()
    return sorted(both, key=lambda node: -sum(id_ in node.log for id_ in ids))


async def readiness(node: Process, status: int, beginning: str = "") -> list[str]:
    """What /readyz misses, once it answers with this status and one of its sentences begins so."""
    for _ in range(300):
        found, text = await page(node, "/readyz")
        missing: list[str] = json.loads(text)["missing"]
        if found == status and (not beginning or any(one.startswith(beginning) for one in missing)):
            return missing
        await asyncio.sleep(0.1)
    raise TimeoutError(f"/readyz never answered {status}: {missing}")


async def page(node: Process, path: str) -> tuple[int, str]:
    """The status and the text of one of its pages."""
    port = re.findall(r'"port": (\d+)', node.log)[-1]
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()
