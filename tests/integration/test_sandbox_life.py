"""Containers from their start to their end: cancelling, faults of ours, owners, the pool. Needs Docker."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from sandbox.engine import LABEL, DockerEngine
from sandbox.job import Job, Status
from sandbox.limits import SandboxLimits
from sandbox.owner import Owner
from sandbox.pool import BARE, DATA, flavour_of
from sandbox.sandbox import Sandbox
from sandbox.spec import UIDS, container_settings
from tests.support.engine_proxy import EngineProxy

FOREVER = Job(code="print('up', flush=True)\nimport time\ntime.sleep(600)")


ROOT = Path(__file__).parents[2]


async def containers_of(owner: Owner, *, running: bool = False) -> list[str]:
    async with DockerEngine() as engine:
        found = [container for container in await engine.listed() if Owner.of(container).label == owner.label]
    return [str(container["Id"]) for container in found if container["State"] == "running" or not running]


async def none_left(owner: Owner, *, running: bool = False) -> bool:
    for _ in range(300):
        if not await containers_of(owner, running=running):
            return True
        await asyncio.sleep(0.1)
    return False


async def started(sandbox: Sandbox, job: Job = FOREVER) -> asyncio.Task[object]:
    """A call whose program is known to run."""
    up = asyncio.Event()
    call: asyncio.Task[object] = asyncio.create_task(sandbox.run(job, on_output=lambda _: up.set()))
    await asyncio.wait_for(up.wait(), 30)
    return call


async def test_cancelling_the_caller_kills_the_container(sandbox: Sandbox) -> None:
    call = await started(sandbox)
    assert len(await containers_of(sandbox.owner)) == 1
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await none_left(sandbox.owner)
    assert (await sandbox.run(Job(code="1"))).status is Status.OK


async def test_leaving_ends_what_runs_and_what_waits(sandbox_image: str) -> None:
    async with Sandbox(image=sandbox_image, ready=2) as sandbox:
        call = await started(sandbox)
    assert await containers_of(sandbox.owner) == []
    run = await call
    assert getattr(run, "status", None) is Status.INFRASTRUCTURE


async def test_ready_containers_are_used_once_and_made_again(sandbox_image: str) -> None:
    async with Sandbox(image=sandbox_image, ready=2) as sandbox:
        hosts = [await sandbox.run(Job(code="print(open('/proc/self/mountinfo').read())")) for _ in range(5)]
        overlays = {line for run in hosts for line in run.stdout.splitlines() if " / / " in line}
    assert len(overlays) == 5, "two calls saw the same root file system"


async def test_a_call_waits_its_turn_and_fails_when_none_comes(sandbox_image: str) -> None:
    # Long enough for the first call to get its container from an engine with much to do.
    async with Sandbox(image=sandbox_image, ready=0, most=1, queue_seconds=5) as sandbox:
        call = await started(sandbox)
        run = await sandbox.run(Job(code="1"))
        call.cancel()
    assert run.status is Status.INFRASTRUCTURE
    assert run.sentence.endswith("Wait by calling again with the same program.")


async def until_idle(sandbox: Sandbox, count: int, *, tries: int = 900) -> bool:
    for _ in range(tries):
        if sandbox.idle == count:
            return True
        await asyncio.sleep(0.1)
    return False


async def test_the_pool_grows_with_a_burst_and_shrinks_after_it(sandbox_image: str) -> None:
    async with Sandbox(image=sandbox_image, ready=1, most=4, remember_seconds=3) as sandbox:
        for _ in range(20):  # a busy machine forgets a burst before the containers are up
            for call in [await started(sandbox) for _ in range(2)]:
                call.cancel()
            if await until_idle(sandbox, 2, tries=30):
                break
        else:
            pytest.fail("the next burst would wait for containers")
        assert await until_idle(sandbox, 1), "what a burst needed is kept for ever"
        for _ in range(300):
            if len(await containers_of(sandbox.owner)) == 1:
                break
            await asyncio.sleep(0.1)
        else:
            pytest.fail("containers the pool let go of are still there")


async def test_a_data_program_finds_its_libraries_imported(sandbox_image: str) -> None:
    """Also after calls that needed none of them."""
    code = "import sys\nprint('pandas' in sys.modules)\nimport pandas"
    async with Sandbox(image=sandbox_image, ready=2) as sandbox:
        for _ in range(4):
            await sandbox.run(Job(code="1"))
            assert await until_idle(sandbox, 2)
        assert (await sandbox.run(Job(code=code))).stdout == "True\n"


async def test_more_calls_than_containers_are_all_served(sandbox_image: str) -> None:
    async with Sandbox(image=sandbox_image, ready=1, most=2) as sandbox:
        runs = await asyncio.gather(*(sandbox.run(Job(code=f"print({n})")) for n in range(7)))
    assert [run.stdout for run in runs] == [f"{n}\n" for n in range(7)]


def logged(words: str) -> asyncio.Event:
    """An event that is set when the sandbox logs `words`."""
    event = asyncio.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if words in record.getMessage():
                event.set()
                logging.getLogger("sandbox").removeHandler(self)

    logging.getLogger("sandbox").addHandler(Listener())
    return event


async def test_bots_on_one_engine_share_its_places(
    sandbox_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.sandbox.PLACE_PREFIX", f"handoff-test-{secrets.token_hex(4)}-")
    full = logged("raise HANDOFF_SANDBOX_ENGINE_MAX")
    async with (
        Sandbox(image=sandbox_image, ready=0, engine_max=1) as one,
        Sandbox(image=sandbox_image, ready=0, engine_max=1) as other,
    ):
        call = await started(one)
        waiting = asyncio.create_task(other.run(Job(code="import os; print(os.getuid())")))
        await asyncio.wait_for(full.wait(), 30)
        assert await containers_of(other.owner) == []
        call.cancel()
        assert (await waiting).stdout == f"{UIDS[0]}\n"


async def test_a_process_that_waits_for_a_place_of_the_engine_can_end(
    sandbox_image: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sandbox.sandbox.PLACE_PREFIX", f"handoff-test-{secrets.token_hex(4)}-")
    full = logged("raise HANDOFF_SANDBOX_ENGINE_MAX")
    async with Sandbox(image=sandbox_image, ready=0, engine_max=1) as one:
        await started(one)
        async with Sandbox(image=sandbox_image, ready=0, engine_max=1) as other:
            waiting = asyncio.create_task(other.run(Job(code="1")))
            await asyncio.wait_for(full.wait(), 30)
        assert "shutting down" in (await waiting).sentence
        assert "still being started" not in caplog.text


async def test_a_person_s_one_call_is_served_before_the_many_of_another(sandbox_image: str) -> None:
    ended: list[str] = []

    async def call(person: str, task: str) -> None:
        await sandbox.run(Job(code="1", queue=(person, task)))
        ended.append(person)

    async with Sandbox(image=sandbox_image, ready=0, most=2) as sandbox:
        running = [await started(sandbox, replace(FOREVER, queue=("ann", task))) for task in "12"]
        async with asyncio.TaskGroup() as group:
            for task in "123":
                group.create_task(call("ann", task))
            await asyncio.sleep(0)  # Ann's calls are in the queue
            group.create_task(call("bob", "hello"))
            await asyncio.sleep(0)
            running[0].cancel()
        running[1].cancel()
    assert ended == ["bob", "ann", "ann", "ann"]


async def test_no_engine_is_our_fault_and_said_so(tmp_path: Path) -> None:
    async with Sandbox(docker_host=f"unix://{tmp_path}/none.sock") as sandbox:
        run = await sandbox.run(Job(code="1"))
    assert (run.status, run.exit_code) == (Status.INFRASTRUCTURE, None)
    assert "by no fault of its own" in run.sentence
    assert "DOCKER_HOST" in run.sentence


async def test_a_program_waits_for_an_engine_that_starts_again(sandbox_image: str, tmp_path: Path) -> None:
    proxy = EngineProxy(tmp_path / "engine.sock")
    async with Sandbox(
        image=sandbox_image, docker_host=f"unix://{proxy.path}", ready=0, engine_seconds=60
    ) as sandbox:
        call = asyncio.create_task(sandbox.run(Job(code="print('back')")))
        await asyncio.sleep(1)
        assert not call.done()
        await proxy.open()
        assert (await asyncio.wait_for(call, 30)).stdout == "back\n"
    await proxy.close()


async def test_a_missing_engine_is_reported_to_all_waiting_calls(tmp_path: Path) -> None:
    """A place that failed goes to the next in line, who is not left to wait for the bound."""
    async with Sandbox(docker_host=f"unix://{tmp_path}/none.sock", most=1, queue_seconds=600) as sandbox:
        runs = await asyncio.wait_for(asyncio.gather(*(sandbox.run(Job(code="1")) for _ in range(5))), 30)
    assert {run.status for run in runs} == {Status.INFRASTRUCTURE}
    assert all("DOCKER_HOST" in run.sentence for run in runs)


async def test_callers_who_give_up_cost_no_place(sandbox_image: str) -> None:
    async with Sandbox(image=sandbox_image, ready=0, most=2) as sandbox:
        for delay in (0.0, 0.05, 0.1, 0.15, 0.2):
            calls = [asyncio.create_task(sandbox.run(Job(code="1"))) for _ in range(5)]
            await asyncio.sleep(delay)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        runs = await asyncio.gather(*(sandbox.run(Job(code="1")) for _ in range(4)))
    assert {run.status for run in runs} == {Status.OK}


async def test_no_image_is_our_fault_and_said_so() -> None:
    async with Sandbox(image="handoff-sandbox:never-made", ready=0) as sandbox:
        run = await sandbox.run(Job(code="1"))
    assert run.status is Status.INFRASTRUCTURE
    assert "handoff sandbox build" in run.sentence


async def test_a_container_killed_from_outside_is_our_fault(sandbox: Sandbox) -> None:
    call = await started(sandbox)
    async with DockerEngine() as engine:
        for identity in await containers_of(sandbox.owner):
            await engine.remove(identity)
    run = await call
    assert getattr(run, "status", None) is Status.INFRASTRUCTURE
    assert "by no fault of the program's" in getattr(run, "sentence", "")
    assert (await sandbox.run(Job(code="1"))).status is Status.OK


@pytest.mark.parametrize(("transport", "status"), [("socket", Status.OK), ("attach", Status.INFRASTRUCTURE)])
async def test_an_engine_that_stops_in_mid_call_hangs_nothing(
    sandbox_image: str, tmp_path: Path, transport: Literal["socket", "attach"], status: Status
) -> None:
    proxy = EngineProxy(tmp_path / "engine.sock")
    await proxy.open()
    async with Sandbox(
        image=sandbox_image, docker_host=f"unix://{proxy.path}", ready=0, transport=transport
    ) as sandbox:
        call = await started(sandbox, Job(code="print('up', flush=True)\nimport time; time.sleep(3)"))
        await proxy.close()
        run = await asyncio.wait_for(call, 30)
        assert getattr(run, "status", None) is status
        while_down = await asyncio.wait_for(sandbox.run(Job(code="1")), 30)
        assert while_down.status is Status.INFRASTRUCTURE
        await proxy.open()
        after = await asyncio.wait_for(sandbox.run(Job(code="print('back')")), 30)
        assert after.stdout == "back\n"
    assert await none_left(sandbox.owner)
    await proxy.close()


async def test_a_ready_container_that_died_is_not_given_out(sandbox_image: str) -> None:
    async with Sandbox(image=sandbox_image, ready=1) as sandbox:
        await sandbox.run(Job(code="1"))
        async with DockerEngine() as engine:
            for _ in range(300):
                if ready := await containers_of(sandbox.owner):
                    break
                await asyncio.sleep(0.1)
            for identity in ready:
                await engine.remove(identity)
        run = await sandbox.run(Job(code="print('fine')"))
    assert run.stdout == "fine\n"


async def test_a_sweep_takes_what_the_dead_left_and_nothing_else(
    sandbox: Sandbox, sandbox_image: str
) -> None:
    ours = Owner.this_process()
    host, _, _ = ours.label.rsplit("-", 2)
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    owners = {
        "living": ours,
        "dead": Owner(f"{host}-{gone.pid}-00", "1"),
        "its pid used anew": Owner(f"{host}-{os.getpid()}-00", "1"),
        "in a container of this host's name": Owner(f"{host[:-1]}0-{gone.pid}-00", "1"),
        "elsewhere": Owner("another-host-1-00", "1"),
    }
    async with DockerEngine() as engine:
        made = {}
        for name, owner in owners.items():
            settings = container_settings(
                SandboxLimits(), image=sandbox_image, flavour=BARE, labels=owner.labels(BARE)
            )
            made[name] = await engine.create(settings)
        try:
            await sandbox.sweep()
            left = {str(found["Id"]) for found in await engine.listed()}
            assert {name for name, identity in made.items() if identity in left} == {
                "living", "elsewhere", "in a container of this host's name",
            }  # fmt: skip
        finally:
            for identity in made.values():
                await engine.remove(identity)


async def test_after_kill_9_no_container_is_left(sandbox: Sandbox, sandbox_image: str) -> None:
    """Running ones see their stream close and end; one that was only just made waits for the next start."""
    code = f"""
import asyncio
from sandbox.job import Job
from sandbox.sandbox import Sandbox

async def main():
    async with Sandbox(image={sandbox_image!r}, ready=1) as sandbox:
        print(sandbox.owner.label, sandbox.owner.birth, flush=True)
        await sandbox.run(Job(code={FOREVER.code!r}), on_output=lambda _: print("up", flush=True))

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    owner = Owner(*(await process.stdout.readline()).decode().split())
    assert (await asyncio.wait_for(process.stdout.readline(), 30)) == b"up\n"
    assert await containers_of(owner)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert await none_left(owner, running=True)
    async with asyncio.timeout(30):
        while await containers_of(owner):  # the engine may still make what was asked for before the kill
            await sandbox.sweep()


async def test_containers_carry_their_owner(sandbox: Sandbox) -> None:
    call = await started(sandbox)
    async with DockerEngine() as engine:
        labels = [found["Labels"][LABEL] for found in await engine.listed()]
    call.cancel()
    assert sandbox.owner.label in labels


@pytest.mark.parametrize(
    ("code", "flavour"),
    [
        ("print(1)", BARE),
        ("import pandas as pd", DATA),
        ("def f():\n    from matplotlib import pyplot", DATA),
        ("# import pandas", BARE),
        ("import numpydoc", BARE),
        ("import json, numpy as np", DATA),
        ("print(1)  # from pandas", BARE),
        pytest.param("\n" * 1_000_000, BARE, id="a million empty lines"),
        pytest.param("import " * 100_000, BARE, id="imports of nothing"),
    ],
)
def test_the_flavour_follows_from_the_imports(code: str, flavour: str) -> None:
    assert flavour_of(code) == flavour
