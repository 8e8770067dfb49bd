"""One call from outside: statuses, text, values, figures, files. Needs Docker."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox
from tests.support.batches import run_together
from tests.support.sandboxes import RunCode


async def test_a_program_prints_and_ends_well(sandbox: Sandbox) -> None:
    run = await sandbox.run(Job(code="import sys\nprint('out')\nprint('err', file=sys.stderr)"))
    assert (run.status, run.exit_code, run.stdout, run.stderr) == (Status.OK, 0, "out\n", "err\n")
    assert run.sentence == ""
    assert 0 < run.seconds < 60


async def test_a_program_chooses_its_exit_code(run_code: RunCode) -> None:
    run = await run_code("import sys; sys.exit(3)")
    assert (run.status, run.exit_code, run.stderr) == (Status.ERROR, 3, "")
    assert run.sentence == "The program ended with exit code 3."
    run = await run_code("import os; os._exit(9)")
    assert (run.status, run.exit_code, run.stderr) == (Status.ERROR, 9, "")


VALUES = (
    ("1 + 1", "2\n"), ("x = 4\nx", "4\n"), ("'a'", "'a'\n"), ("None", ""), ("5;", ""), ("print(1)", "1\n"),
    ("import sys\nsys.stdout.write('x')", "x"), ("import sys\nsys.stdout.writelines(['a', 'b'])", "ab"),
    ("open('f', 'w').write('abc')", ""), ("len('abc')", "3\n"),
)  # fmt: skip
EXITS = (
    ("raise SystemExit('no good')", 1, "no good\n"),
    ("exit(7)", 7, ""),
    ("import os; os._exit(9)", 9, ""),
)


async def test_the_last_value_is_shown_as_in_a_notebook_but_not_a_count_of_what_was_written(
    shared_sandbox: Sandbox,
) -> None:
    ended = await run_together(shared_sandbox, [code for code, _ in VALUES])
    for (code, stdout), end in zip(VALUES, ended, strict=True):
        assert (code, end.exit_code, end.stdout, end.stderr) == (code, 0, stdout, "")


async def test_every_way_to_leave_has_its_exit_code(shared_sandbox: Sandbox) -> None:
    ended = await run_together(shared_sandbox, [code for code, _, _ in EXITS])
    for (code, exit_code, stderr), end in zip(EXITS, ended, strict=True):
        assert (code, end.exit_code, end.stdout, end.stderr) == (code, exit_code, "", stderr)


async def test_a_traceback_starts_in_the_program(run_code: RunCode) -> None:
    run = await run_code("def half(n):\n    return n / 0\n\nhalf(1)")
    assert run.status is Status.ERROR
    assert run.stderr.startswith('Traceback (most recent call last):\n  File "/work/main.py", line 4')
    assert "return n / 0" in run.stderr
    assert "supervisor" not in run.stderr


async def test_a_signal_of_its_own_making_is_named(run_code: RunCode) -> None:
    run = await run_code("import ctypes; ctypes.string_at(0)")
    assert (run.status, run.exit_code) == (Status.SIGNAL, None)
    assert "SIGSEGV" in run.sentence


async def test_the_wall_clock_ends_a_program_and_keeps_what_it_did(sandbox: Sandbox) -> None:
    code = "open('half.txt', 'w').write('done so far')\nprint('working', flush=True)\nwhile True: pass"
    run = await sandbox.run(Job(code=code, timeout=1))
    assert (run.status, run.exit_code, run.stdout) == (Status.TIMEOUT, None, "working\n")
    assert run.contents() == {"half.txt": b"done so far"}
    assert "1 s" in run.sentence


async def test_threads_and_exit_handlers_finish_first(run_code: RunCode) -> None:
    code = """
import atexit, threading, time
atexit.register(print, "at exit")
threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
print("main")
"""
    assert (await run_code(code)).stdout == "main\nthread\nat exit\n"


async def test_a_fork_that_runs_to_the_end_does_not_end_the_program(run_code: RunCode) -> None:
    code = (
        "import os, time\nif os.fork():\n    time.sleep(0.3)\n    print('parent')\nelse:\n    print('child')"
    )
    run = await run_code(code)
    assert (run.status, run.stdout) == (Status.OK, "child\nparent\n")


async def test_output_that_is_not_utf8_is_still_reported(run_code: RunCode) -> None:
    run = await run_code(r"import os; os.write(1, b'caf\xe9 \xf0\x9f\x98\x80\n')")
    assert (run.status, run.stdout) == (Status.OK, "caf\ufffd \U0001f600\n")


async def test_long_output_keeps_head_and_tail_and_comes_whole_as_a_file(run_code: RunCode) -> None:
    run = await run_code("print('first')\nprint('x' * 300_000)\nprint('last')", output_bytes=2048)
    assert run.status is Status.OK
    assert run.stdout.startswith("first\n")
    assert run.stdout.endswith("last\n")
    assert len(run.stdout) < 2300
    assert run.contents()["stdout.txt"].decode() == "first\n" + "x" * 300_000 + "\nlast\n"
    assert "bytes left out" in run.stdout


async def test_output_is_heard_while_the_program_runs(sandbox: Sandbox) -> None:
    heard: list[str] = []
    first = asyncio.Event()

    def listen(text: str) -> None:
        heard.append(text)
        first.set()

    code = "import time\nprint('grüß', flush=True)\ntime.sleep(30)"
    running = asyncio.create_task(sandbox.run(Job(code=code), on_output=listen))
    await asyncio.wait_for(first.wait(), 20)
    assert not running.done()
    assert "".join(heard) == "grüß\n"
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_nothing_of_one_call_is_left_for_the_next(sandbox: Sandbox) -> None:
    await sandbox.run(Job(code="open('/work/a', 'w').write('1')\nopen('/tmp/b', 'w').write('2')"))
    run = await sandbox.run(Job(code="import os\nprint(os.listdir('/work'), os.path.exists('/tmp/b'))"))
    assert run.stdout == "[] False\n"


async def test_calls_run_at_the_same_time(sandbox: Sandbox) -> None:
    """Each program only ends once all have been heard of, so one after the other none would."""
    heard: set[int] = set()
    all_up = asyncio.Event()

    def listen(number: int) -> None:
        heard.add(number)
        if len(heard) == 4:
            all_up.set()

    async def one(number: int) -> None:
        await sandbox.run(
            Job(code="print('up', flush=True)\nimport time; time.sleep(60)"),
            on_output=lambda _: listen(number),
        )

    calls = [asyncio.create_task(one(number)) for number in range(4)]
    await asyncio.wait_for(all_up.wait(), 40)
    for call in calls:
        call.cancel()
    assert all(
        isinstance(end, asyncio.CancelledError)
        for end in await asyncio.gather(*calls, return_exceptions=True)
    )


async def test_several_processes_work(run_code: RunCode) -> None:
    code = """
import multiprocessing, subprocess, sys, sqlite3
from concurrent.futures import ProcessPoolExecutor

def square(n):
    return n * n

with ProcessPoolExecutor(2) as pool:
    print(list(pool.map(square, range(4))))
code = "import numpy; print(numpy.arange(3).sum())"
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
"""
    run = await run_code(code)
    assert (run.stderr, run.stdout) == ("", "[0, 1, 4, 9]\n3\n\n")


@pytest.mark.parametrize(
    "code",
    [
        "import polars",
        "!pip install polars\nexit(1)",
        "import subprocess, sys; exit(subprocess.call([sys.executable, '-m', 'pip', 'install', 'polars']))",
        "import os; raise SystemExit(os.system('pip install polars') >> 8)",
    ],
)
async def test_wanting_a_package_shows_what_is_there(run_code: RunCode, code: str) -> None:
    run = await run_code(code)
    assert run.status is Status.ERROR
    assert "no network" in run.stderr
    assert "pandas" in run.stderr
