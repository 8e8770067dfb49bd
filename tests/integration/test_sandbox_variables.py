"""Variables from one container to the next. Needs Docker."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

from sandbox.job import Job, Run, Status
from sandbox.limits import SandboxLimits
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace
from tests.support.sandboxes import RunCode, left
from tests.support.scripted_model import Call, Roles, Say, ScriptedModel
from tests.support.team import Team, bodies, endpoint_of

EXPLODES = """
class Bomb:
    def __reduce__(self):
        return exec, ("open('/tmp/handoff-bomb', 'w').write('x'); raise SystemExit('boom')",)
bomb = Bomb()
"""


async def _calls(sandbox: Sandbox, programs: Sequence[str]) -> list[Run]:
    """One after the other as a worker's calls are, each with what the last one left."""
    runs: list[Run] = []
    state = b""
    for code in programs:
        runs.append(await sandbox.run(Job(code=code, state=state)))
        kept = runs[-1].state
        state = state if kept is None else kept
    return runs


async def test_variables_functions_and_classes_go_on(sandbox: Sandbox) -> None:
    first = """
import math, socket
factor = 2
shared = [1]
also = shared
def scaled(x):
    return x * factor
class Point:
    def __init__(self, x):
        self.x = scaled(x)
point = Point(4)
"""
    second = """
factor = 10
also.append(2)
print(scaled(3), Point(1).x, point.x, isinstance(point, Point), shared, math.floor(2.5))
"""
    _, run = await _calls(sandbox, [first, second])
    assert (run.status, run.stdout, run.notes) == (Status.OK, "30 10 8 True [1, 2] 2\n", ())


async def test_arrays_and_frames_go_on_up_to_the_limit_and_larger_ones_are_named_by_size(
    sandbox_image: str,
) -> None:
    first = """
import numpy as np, pandas as pd
a = np.arange(9000.)
turned = np.arange(9000.).reshape(90, 100).T
frame = pd.DataFrame({"number": range(3000), "word": ["tea"] * 3000, "day": pd.Timestamp("2026-01-01")})
large = np.zeros(200_000)
wide = pd.DataFrame(np.zeros((3000, 100)))
"""
    second = (
        "print(a.sum(), turned[99, 89], frame.shape, set(frame.word), {'large', 'wide'} & set(globals()))"
    )
    async with Sandbox(SandboxLimits(state_bytes=1_000_000), image=sandbox_image, ready=0) as sandbox:
        one, two = await _calls(sandbox, [first, second])
    (note,) = one.notes
    for name, size in (("large", 1_600_000), ("wide", 2_400_000)):
        assert (found := re.search(rf"{name} \((\d+) bytes or more, and 1000000 is the limit\)", note)), note
        assert size <= int(found[1]) < size + 5000
    assert two.stdout == "40495500.0 8999.0 (3000, 3) {'tea'} set()\n", two.stderr


async def test_each_call_is_still_a_container_of_its_own(sandbox: Sandbox) -> None:
    first = "import builtins\nbuiltins.left = 1\nopen('/tmp/left', 'w').write('x')\nkept = 1"
    second = "import builtins, os\nprint(kept, hasattr(builtins, 'left'), os.path.exists('/tmp/left'))"
    _, run = await _calls(sandbox, [first, second])
    assert run.stdout == "1 False False\n"


async def test_nothing_is_carried_unless_it_is_asked_for(run_code: RunCode) -> None:
    run = await run_code("x = 1")
    assert run.state is None


async def test_what_cannot_be_kept_is_named_and_the_rest_is_kept(sandbox: Sandbox) -> None:
    first = "steps = (n for n in range(3))\nbig = b'x' * (33 << 20)\nsmall = 1"
    one, two = await _calls(sandbox, [first, "print('steps' in globals(), 'big' in globals(), small)"])
    assert len(one.notes) == 1
    assert "steps (TypeError" in one.notes[0]
    assert re.search(r"big \(3460\d{4} bytes or more, and 33554432 is the limit\)", one.notes[0])
    assert two.stdout == "False False 1\n"


async def test_what_fits_alone_but_not_together_loses_the_largest(sandbox_image: str) -> None:
    async with Sandbox(SandboxLimits(state_bytes=10_000), image=sandbox_image, ready=0) as sandbox:
        first = "a = b'x' * 4000\nb = b'y' * 7000\nc = 1"
        one, two = await _calls(sandbox, [first, "print('a' in globals(), 'b' in globals(), c)"])
    assert re.search(r"b \(70\d\d bytes; .* 10000 is the limit of all together\)", one.notes[0])
    assert two.stdout == "True False 1\n"


async def test_a_failed_program_leaves_its_variables_and_a_killed_one_the_earlier(sandbox: Sandbox) -> None:
    failed, killed, last = await _calls(
        sandbox, ["x = 1\nraise ValueError", "x = 2\nimport os\nos.kill(os.getpid(), 9)", "print(x)"]
    )
    assert failed.status is Status.ERROR
    assert (killed.status, killed.state) == (Status.SIGNAL, None)
    assert last.stdout == "1\n"


async def test_a_traceback_shows_code_of_an_earlier_call(sandbox: Sandbox) -> None:
    _, run = await _calls(sandbox, ["def half(n):\n    return n / 0", "\n\nhalf(1)"])
    assert 'File "/work/main.py", line 3' in run.stderr
    assert 'File "/work/earlier.py", line 2, in half' in run.stderr


async def test_variables_that_explode_hurt_no_one_outside_their_container(sandbox: Sandbox) -> None:
    one, two, three = await _calls(sandbox, [EXPLODES, "print('still runs')\ny = 5", "print(y)"])
    assert one.status is Status.OK
    assert (two.status, two.stdout, three.stdout) == (Status.OK, "still runs\n", "5\n")
    assert any("could not be loaded: SystemExit: boom" in note for note in two.notes)
    assert not await asyncio.to_thread(Path("/tmp/handoff-bomb").exists)


async def test_variables_that_are_no_pickle_are_reported_and_left_behind(sandbox: Sandbox) -> None:
    run = await sandbox.run(Job(code="print(1)", state=b"\x80\x05forged"))
    assert (run.status, run.stdout) == (Status.OK, "1\n")
    assert any("could not be loaded" in note for note in run.notes)


async def test_a_workspace_keeps_variables_of_one_worker_apart_from_files(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert await workspace.variables("w1") == b""
    assert await workspace.keep_variables("w1", b"pickled") == ()
    assert await Workspace(tmp_path).variables("w1") == b"pickled"
    assert (await workspace.variables("w2"), await workspace.names()) == (b"", [])
    kept = await left(workspace, {".handoff-variables-w1": b"forged"})
    assert (kept.files, len(kept.notes)) == ((), 1)
    assert await workspace.variables("w1") == b"pickled"
    await workspace.keep_variables("w1", b"")
    assert await workspace.variables("w1") == b""


async def test_a_worker_keeps_its_variables_and_the_next_task_s_worker_of_its_name_has_none(
    sandbox_image: str, tmp_path: Path
) -> None:
    brief, done = Call("create_worker", {"task_description": "Count"}), {"status": "done", "summary": "2"}
    first, second = (
        Call("execute_python_code", {"code": code}) for code in ("x = 1", "print('x is', globals().get('x'))")
    )
    async with Sandbox(image=sandbox_image, ready=0, state="session") as sandbox:
        script = Roles([brief, Say("ok")], [first, second, Call("report", done)])
        results = await _results(Team(sandbox=sandbox), script, tmp_path)
        assert "x is 1" in results[1]
        later = Roles([brief, Say("ok")], [second, Call("report", done)])
        assert "x is None" in (await _results(Team(sandbox=sandbox), later, tmp_path))[0]


async def _results(team: Team, script: Roles, folder: Path) -> list[str]:
    """The worker's tool result of each call."""
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await team.run_in(folder, endpoint)
    return [body["text"] for body in bodies(await team.journal.for_agent("w1"), "result")]
