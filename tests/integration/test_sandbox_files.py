"""Files and figures across one call, and a thread's workspace across several. Needs Docker."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sandbox.job import Job, Status
from sandbox.limits import SandboxLimits
from sandbox.sandbox import Sandbox
from sandbox.snapshot import Kept
from sandbox.workspace import Workspace
from tests.support.sandboxes import RunCode
from tests.support.scripted_model import Call, Roles, Say, ScriptedModel
from tests.support.team import Team, bodies, endpoint_of


async def test_only_new_and_changed_files_come_back_in_order(run_code: RunCode) -> None:
    code = """
import os, time
print(sorted(os.listdir()), open("data/in.csv").read())
open("z.txt", "w").write("z")
time.sleep(0.02)
open("data/in.csv", "a").write("3\\n")
time.sleep(0.02)
os.makedirs("made/here"); open("made/here/a.txt", "w").write("a")
os.remove("old.txt")
"""
    files = {"data/in.csv": b"1\n", "same.txt": b"same", "old.txt": b"old"}
    run = await run_code(code, files=files)
    assert run.stdout == "['data', 'old.txt', 'same.txt'] 1\n\n"
    assert list(run.contents().items()) == [
        ("z.txt", b"z"),
        ("data/in.csv", b"1\n3\n"),
        ("made/here/a.txt", b"a"),
    ]
    assert run.removed == ("old.txt",)


async def test_a_file_written_back_with_the_same_bytes_counts_as_changed(run_code: RunCode) -> None:
    run = await run_code("d = open('a').read(); open('a', 'w').write(d);", files={"a": b"same"})
    assert run.contents() == {"a": b"same"}


async def test_a_module_written_by_one_call_can_be_imported_by_the_next(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path / "thread")
    first = await sandbox.run(Job(code="open('tools.py', 'w').write('def double(n): return 2 * n');"))
    before = await workspace.snapshot()
    assert await workspace.keep(first, before, "w1") == Kept(("tools.py",), ())
    second = await sandbox.run(
        Job(code="from tools import double\ndouble(21)", files=(await workspace.snapshot()).files)
    )
    assert (second.stdout, second.contents()) == ("42\n", {})


async def test_artifact_limits_are_reported_and_the_rest_comes_back(run_code: RunCode) -> None:
    code = (
        "import time\nfor n in range(5):\n    open(f'{n}.bin', 'wb').write(bytes(10 ** n)); time.sleep(0.01)"
    )
    run = await run_code(code, artifact_bytes=1000, artifacts_bytes=105, artifacts_count=50)
    assert list(run.files) == ["0.bin", "1.bin"]
    assert [note.split()[0] for note in run.notes] == ["2.bin", "3.bin", "4.bin"]
    counted = await run_code("for n in range(5): open(str(n), 'w').close()", artifacts_count=2)
    assert len(counted.files) == 2
    assert "3 more files" in counted.notes[0]


async def test_a_long_list_of_what_was_left_out_says_that_it_ends(sandbox: Sandbox) -> None:
    run = await sandbox.run(Job(code="import os\nfor n in range(30): os.mkfifo(f'pipe{n}')"))
    assert len(run.notes) == 21
    assert run.notes[-1] == "further files were left out, too."


@pytest.mark.parametrize(
    ("files", "limits", "words"),
    [
        ({"a": bytes(3 << 20), "b": bytes(100)}, {"work_mb": 2}, "a can't be put into /work: No space left"),
        ({str(n): b"" for n in range(200)}, {"inodes": 100}, "No space left"),
        ({"a": b"", "a/b": b""}, {}, "a/b can't be put into /work: File exists"),
    ],
)
async def test_input_that_does_not_fit_is_reported_and_nothing_runs(
    run_code: RunCode, files: dict[str, bytes], limits: dict[str, int], words: str
) -> None:
    run = await run_code("print('ran')", files=files, **limits)
    assert (run.status, run.exit_code, run.stdout) == (Status.ERROR, None, "")
    assert words in run.sentence


@pytest.mark.parametrize(
    ("job", "word"),
    [
        (Job(code="#" * 3000), "2000"),
        (Job(code="1", files={"a": bytes(900), "b": bytes(200)}), "1000"),
        (Job(code="1", files={str(n): b"" for n in range(4)}), "3"),
        (Job(code="1", files={"../up": b""}), "../up"),
        (Job(code="1", files={"/etc/passwd": b""}), "passwd"),
        (Job(code="1", files={"nul\0": b""}), "nul"),
        (Job(code="1", files={"": b""}), "''"),
        (Job(code="1", timeout=0), "0 is not a time"),
        (Job(code="1", timeout=-1), "-1 is not a time"),
        (Job(code="1", timeout=math.nan), "nan is not a time"),
    ],
)
async def test_a_job_past_the_limits_is_refused_in_a_sentence(
    sandbox_image: str, job: Job, word: str
) -> None:
    limits = SandboxLimits(code_bytes=2000, input_bytes=1000, input_count=3)
    async with Sandbox(limits, image=sandbox_image, ready=0) as sandbox:
        run = await sandbox.run(job)
    assert (run.status, run.exit_code) == (Status.ERROR, None)
    assert run.sentence.startswith("The program was not run: ")
    assert word in run.sentence


async def test_a_worker_reads_a_short_note_about_a_hundred_long_names(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    code = "for n in range(90): open('n' * 190 + '\\n' + str(n), 'w').write('x')"
    brief, done = Call("create_worker", {"task_description": "Write"}), {"status": "done", "summary": "2"}
    script = Roles([brief, Say("ok")], [Call("execute_python_code", {"code": code}), Call("report", done)])
    team = Team(sandbox=sandbox)
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await team.run_in(tmp_path, endpoint)
    text = bodies(await team.journal.for_agent("w1"), "result")[0]["text"]
    assert "files: /work/nnn" in text
    assert "A file was renamed to nnn" in text
    assert len(text) < 9_000
