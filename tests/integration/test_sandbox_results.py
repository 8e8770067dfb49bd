"""Results are neither lost nor torn without a word: side by side, cut short, many. Needs Docker."""

from __future__ import annotations

import asyncio
import io
import time
import zipfile
from pathlib import Path

import pytest

from agents.budget import AgentLimits, Budget
from sandbox.job import Job, Run, Status
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace
from tests.support.sandboxes import RunCode, contents
from tests.support.scripted_model import Call, Reply, Roles, Say, ScriptedModel, Turn
from tests.support.team import Team, bodies, endpoint_of

TEARS = """
import os, sys
open("sales.csv", "w").write("torn")
os.remove("old.csv")
open("made.txt", "w").write("made")
print("so far", flush=True)
"""


@pytest.mark.parametrize(
    ("end", "status", "limits"),
    [
        ("__import__('time').sleep(600)", Status.TIMEOUT, {"timeout_seconds": 3}),
        ("bytearray(1 << 30)", Status.OOM, {"memory_mb": 128}),
        ("os.kill(os.getpid(), 9)", Status.SIGNAL, {}),
        (
            "os.write(1, bytes(70_000)); os.write(1, bytes(70_000))",
            Status.OUTPUT_FLOOD,
            {"flood_bytes": 100_000},
        ),
    ],
)
async def test_a_program_that_is_stopped_damages_nothing_and_keeps_what_it_made(
    run_code: RunCode, end: str, status: Status, limits: dict[str, float]
) -> None:
    run = await run_code(TEARS + end, files={"sales.csv": b"1,2\n", "old.csv": b"3"}, **limits)
    assert (run.status, run.removed, run.folders) == (status, (), None)
    assert {name: data for name, data in run.contents().items() if name != "stdout.txt"} == {
        "made.txt": b"made"
    }
    assert run.stdout.startswith("so far\n")
    assert run.notes[0] == (
        "The program was stopped, so its changes to files that were there before are not kept; "
        "they are as they were: sales.csv, old.csv."
    )


async def test_a_program_that_fails_by_itself_keeps_its_changes(run_code: RunCode) -> None:
    run = await run_code(TEARS + "raise ValueError", files={"sales.csv": b"1", "old.csv": b"3"})
    assert (run.status, run.removed) == (Status.ERROR, ("old.csv",))
    assert run.contents() == {"sales.csv": b"torn", "made.txt": b"made"}


async def test_a_file_that_the_program_did_not_close_is_whole(run_code: RunCode) -> None:
    code = "a = open('a', 'w'); a.write('text')\nb = open('b', 'wb'); b.write(b'bytes')\nimport gzip\n"
    run = await run_code(code + "c = open('c', 'w+'); c.write('both')\nraise ValueError")
    assert run.contents() == {"a": b"text", "b": b"bytes", "c": b"both"}


async def test_the_note_of_a_lost_file_comes_before_notes_of_links(sandbox: Sandbox) -> None:
    code = "import os\nfor n in range(21): os.symlink('/x', f'a{n}')\nopen('z', 'wb').truncate(33 << 20);"
    run = await sandbox.run(Job(code=code))
    assert run.notes[0].startswith("z was left out: 34603008 bytes")
    assert len(run.notes) == 22


async def test_every_file_of_an_opened_archive_is_kept(run_code: RunCode) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        for number in range(300):
            writing.writestr(f"in/{number}.txt", str(number))
    code = "import zipfile\nzipfile.ZipFile('a.zip').extractall()"
    run = await run_code(code, files={"a.zip": archive.getvalue()})
    assert run.contents() == {f"in/{number}.txt": str(number).encode() for number in range(300)}
    assert run.notes == ()


async def test_empty_folders_times_and_permissions_reach_the_next_call(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "thread")
    first = (
        "import os\nos.makedirs('plots/new'); os.makedirs('gone')\n"
        "open('go', 'w').write('#!/bin/sh\\necho ran')\n"
        "os.chmod('go', 0o755); os.utime('go', (1500000000, 1500000000))"
    )
    second = (
        "import os, subprocess\nprint(os.path.isdir('plots/new'), int(os.stat('go').st_mtime))\n"
        "subprocess.run('./go'); os.rmdir('gone')"
    )
    third = "import os\nprint(sorted(os.listdir()), int(os.stat('go').st_mtime))"
    said = [(await _next_call(sandbox, workspace, code)).stdout for code in (first, second, third)]
    assert said == ["", "True 1500000000\nran\n", "['go', 'plots'] 1500000000\n"]


async def test_a_program_ends_when_its_worker_s_time_does_and_hands_back_what_it_has(
    sandbox: Sandbox,
) -> None:
    code = "open('made', 'w').write('made')\nprint('so far', flush=True)\nimport time; time.sleep(600)"
    run = await sandbox.run(Job(code=code), on_container=lambda: 3.0)
    assert (run.status, run.stdout, run.contents()) == (Status.TIMEOUT, "so far\n", {"made": b"made"})


async def _next_call(sandbox: Sandbox, workspace: Workspace, code: str) -> Run:
    before = await workspace.snapshot()
    run = await sandbox.run(Job(code=code, files=before.files, folders=before.folders))
    assert (run.status, run.stderr) == (Status.OK, "")
    assert (await workspace.keep(run, before, "w1")).notes == ()
    return run


def code(text: str) -> Call:
    return Call("execute_python_code", {"code": text})


REPORT = Call("report", {"status": "done", "summary": "done"})
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, {n}])\nplt.show()\n"


async def _shown(team: Team, worker: str) -> list[str]:
    return [body["text"] for body in bodies(await team.journal.for_agent(worker), "result")]


async def _files(team: Team, worker: str) -> list[str]:
    results = bodies(await team.journal.for_agent(worker), "result")
    return [name for body in results for name in body["facts"].get("run", {}).get("files", ())]


async def test_pictures_and_tables_of_workers_side_by_side_all_arrive(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    briefs = Turn(calls=tuple(Call("create_worker", {"task_description": f"Part {n}"}) for n in "123"))
    scripts: dict[str, list[Reply]] = {
        f"Part {n}": [code(PLOT.format(n=n) + f"open('result.csv', 'w').write('{n}');"), REPORT]
        for n in "123"
    }
    team = Team(sandbox=sandbox)
    async with ScriptedModel(Roles([briefs, Say("ok")], scripts)) as model, endpoint_of(model) as endpoint:
        await team.run_in(tmp_path, endpoint)
    files = await contents(Workspace(tmp_path))
    assert sorted(files) == sorted(
        [*(f"w{n}-figure-1.png" for n in "123"), "result.csv", "result-2.csv", "result-3.csv"]
    )
    assert {files[name] for name in files if name.endswith("csv")} == {b"1", b"2", b"3"}
    output = [(await _shown(team, f"w{n}"))[0] for n in "123"]
    assert sum("Your result.csv was kept as /work/result-" in text for text in output) == 2
    assert sorted(await _files(team, "w1") + await _files(team, "w2") + await _files(team, "w3")) == sorted(
        files
    )


async def test_pictures_of_workers_one_after_the_other_all_arrive(sandbox: Sandbox, tmp_path: Path) -> None:
    save = code("open('plot.png', 'w').write('PICTURE');")
    briefs = [Call("create_worker", {"task_description": f"Part {n}"}) for n in "12"]
    scripts: dict[str, list[Reply]] = {f"Part {n}": [save, REPORT] for n in "12"}
    team = Team(sandbox=sandbox)
    async with ScriptedModel(Roles([*briefs, Say("ok")], scripts)) as model, endpoint_of(model) as endpoint:
        await team.run_in(tmp_path, endpoint)
    assert sorted(await contents(Workspace(tmp_path))) == ["plot-2.png", "plot.png"]
    assert (await _files(team, "w1"), await _files(team, "w2")) == (["plot.png"], ["plot-2.png"])


async def test_an_attachment_that_a_worker_rewrites_stays_beside_the_change(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    await Workspace(tmp_path).add("sales.csv", b"a,b\n1,2\n")
    team = await _one_worker(sandbox, tmp_path, code("open('sales.csv', 'a').write('3,4\\n');"))
    assert await contents(Workspace(tmp_path)) == {
        "sales.csv": b"a,b\n1,2\n",
        "sales-2.csv": b"a,b\n1,2\n3,4\n",
    }
    assert "/work/sales.csv is an attached file and stays as it was attached" in (await _shown(team, "w1"))[0]


async def test_long_output_is_whole_in_one_file_of_each_run(sandbox: Sandbox, tmp_path: Path) -> None:
    await Workspace(tmp_path).add("w1-stdout.txt", b"attached")
    long = code("for n in range(40_000): print(n)")
    team = await _one_worker(sandbox, tmp_path, long, long)
    whole = "".join(f"{n}\n" for n in range(40_000)).encode()
    assert await contents(Workspace(tmp_path)) == {
        "w1-stdout.txt": b"attached", "w1-stdout-2.txt": whole, "w1-stdout-3.txt": whole
    }  # fmt: skip
    first, second, _ = await _shown(team, "w1")
    for text, name in ((first, "w1-stdout-2.txt"), (second, "w1-stdout-3.txt")):
        assert text.count("/work/") == 1
        assert f"[All of it: /work/{name}]" in text
        assert text.count("left out") == 1


async def test_a_worker_whose_time_is_up_reads_what_its_program_printed_and_made(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    endless = code("open('made', 'w').write('x')\nprint('so far', flush=True)\nimport time\ntime.sleep(600)")
    team = await _one_worker(
        sandbox, tmp_path, endless, Say("time is up"), limits=AgentLimits(task=Budget(20, 12, 10**6))
    )
    (output, *_) = await _shown(team, "w1")
    assert output.startswith("[timeout")
    assert "so far" in output
    assert "/work/made" in output


async def test_a_worker_s_wait_for_a_container_is_not_its_time(sandbox_image: str, tmp_path: Path) -> None:
    script = Roles(
        [Call("create_worker", {"task_description": "Work"}), Say("ok")], [code("print(1)"), REPORT]
    )
    up, held = asyncio.Event(), 1.0
    async with (
        Sandbox(image=sandbox_image, ready=0, most=1) as sandbox,
        ScriptedModel(script) as model,
        endpoint_of(model) as endpoint,
    ):
        blocks = Job(code="print('up', flush=True)\nimport time; time.sleep(600)")
        blocking = asyncio.create_task(sandbox.run(blocks, on_output=lambda _: up.set()))
        await asyncio.wait_for(up.wait(), 30)
        began = time.monotonic()
        team = Team(sandbox=sandbox)
        running = asyncio.create_task(team.run_in(tmp_path, endpoint))
        for _ in range(1000):
            if bodies(await team.journal.for_agent("w1"), "reply"):
                break
            await asyncio.sleep(0.03)
        await asyncio.sleep(held)
        blocking.cancel()
        await running
        whole = time.monotonic() - began
    (result, _) = bodies(await team.journal.for_agent("w1"), "result")
    assert result["text"].startswith("[ok")
    assert result["clock"] < whole - held / 2


async def _one_worker(
    sandbox: Sandbox, folder: Path, *replies: Reply, limits: AgentLimits | None = None
) -> Team:
    script = Roles([Call("create_worker", {"task_description": "Work"}), Say("ok")], [*replies, REPORT])
    team = Team(sandbox=sandbox, limits=limits or AgentLimits())
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await team.run_in(folder, endpoint)
    return team


async def test_a_worker_sets_a_time_limit_and_reads_the_last_state_of_a_progress_bar(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    bars = (
        "import time\nfor n in range(500):\n    print(f'\\r{n / 5:.0f}% |####|', end='')\nprint('\\r\\ndone')"
    )
    programs = [
        Call("execute_python_code", {"code": bars, "timeout": 30}),
        Call("execute_python_code", {"code": "import time\ntime.sleep(600)", "timeout": "1"}),
        REPORT,
    ]
    briefs = Call("create_worker", {"task_description": "Part 1"})
    team = Team(sandbox=sandbox)
    async with (
        ScriptedModel(Roles([briefs, Say("ok")], {"Part 1": programs})) as model,
        endpoint_of(model) as endpoint,
    ):
        await team.run_in(tmp_path, endpoint)
    first, second = (await _shown(team, "w1"))[:2]
    assert "100% |####|\r\ndone" in first
    assert first.count("####") == 1
    assert "stopped after 1 s" in second
