"""Programs that exceed a limit: it holds, is reported, and spares the next call. Needs Docker."""

from __future__ import annotations

import pytest

from sandbox.job import Job, Status
from sandbox.limits import SandboxLimits
from sandbox.sandbox import Sandbox
from tests.support.sandboxes import RunCode

FORK_BOMB = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
MEMORY_BOMB = "hog = []\nwhile True:\n    hog.append(bytearray(b'x' * (8 << 20)))"
MEMORY_BOMB_IN_A_CHILD = f"""
import subprocess, sys
sys.exit(subprocess.call([sys.executable, "-c", {MEMORY_BOMB!r}]))
"""
TMPFS_MEMORY_BOMB = """
for folder in ("/work", "/tmp", "/dev/shm"):
    try:
        with open(folder + "/fill", "wb") as file:
            while True:
                file.write(bytes(1 << 20))
    except OSError as error:
        print(folder, error.strerror)
"""
FLOOD = "import sys\nwhile True:\n    sys.stdout.write('flood ' * 10_000)"
FLOOD_ON_BOTH = "import os\nwhile True:\n    os.write(1, b'o' * 4096)\n    os.write(2, b'e' * 4096)"
DEAF_LOOP = """
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    pass
"""
STOPPED = "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"
MANY_SMALL = """
import os, time, pandas
for n in range(50):
    if os.fork() == 0:
        open("/proc/self/oom_score_adj", "w").write("500")
        held = []
        while True:
            held.append(bytearray(b"x" * (1 << 18)))
            time.sleep(0.01)
time.sleep(60)
"""
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        sys.stdout.write("daemon up\\n"); sys.stdout.flush()
        while True:
            time.sleep(0.01)
            open("/work/daemon", "a").write("still here\\n")
    os._exit(0)
time.sleep(0.3)
"""
DAEMON_FLOOD = """
import os, time
if os.fork() == 0:
    os.setsid()
    while True:
        os.write(1, b"flood" * 1000)
time.sleep(0.2)
"""
MANY_FILES = """
import os
made = 0
try:
    for n in range(1_000_000):
        open(f"{n}", "w").close()
        made += 1
except OSError as error:
    print(made, error.strerror)
"""
MANY_DESCRIPTORS = """
import os
opened = []
try:
    while True:
        opened.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    print(len(opened) < 256, error.strerror)
"""
MANY_THREADS = """
import threading, time
started = 0
try:
    for n in range(1000):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        started += 1
except RuntimeError:
    print(started < 64)
"""


@pytest.mark.parametrize(
    ("attack", "limits", "status"),
    [
        pytest.param(FORK_BOMB, {"timeout_seconds": 1}, Status.TIMEOUT, id="fork bomb"),
        pytest.param(MEMORY_BOMB, {"memory_mb": 128}, Status.OOM, id="memory bomb"),
        pytest.param(MEMORY_BOMB_IN_A_CHILD, {"memory_mb": 128}, Status.OOM, id="memory bomb in a child"),
        pytest.param(
            TMPFS_MEMORY_BOMB, {"memory_mb": 96, "work_mb": 512}, Status.OOM, id="memory bomb made of files"
        ),
        pytest.param(FLOOD, {"flood_bytes": 1 << 20}, Status.OUTPUT_FLOOD, id="output flood"),
        pytest.param(FLOOD_ON_BOTH, {"flood_bytes": 1 << 20}, Status.OUTPUT_FLOOD, id="flood on both"),
        pytest.param(DEAF_LOOP, {"timeout_seconds": 1}, Status.TIMEOUT, id="deaf endless loop"),
        pytest.param(STOPPED, {"timeout_seconds": 1}, Status.TIMEOUT, id="a program that stops itself"),
        pytest.param(MANY_SMALL, {"memory_mb": 256}, Status.OOM, id="many, each smaller than the supervisor"),
        pytest.param("import time; time.sleep(1e6)", {"timeout_seconds": 1}, Status.TIMEOUT, id="long sleep"),
        pytest.param("input()", {}, Status.ERROR, id="waiting for a person"),
        pytest.param("def f(): f()\nf()", {}, Status.ERROR, id="deep recursion"),
        pytest.param(
            "import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
            {"timeout_seconds": 20, "memory_mb": 256},
            None,
            id="bottomless recursion",
        ),
        pytest.param("(" * 100_000, {}, Status.ERROR, id="source nobody can parse"),
        pytest.param("x = '\0'", {}, Status.ERROR, id="NUL in the source"),
        pytest.param("import os; os.abort()", {}, Status.SIGNAL, id="abort"),
    ],
)
async def test_a_limit_holds_and_the_next_call_is_fine(
    sandbox_image: str, attack: str, limits: dict[str, float], status: Status | None
) -> None:
    async with Sandbox(SandboxLimits(**limits), image=sandbox_image, ready=0) as sandbox:  # type: ignore[arg-type]
        run = await sandbox.run(Job(code=attack))
        after = await sandbox.run(Job(code="print('fine')"))
    assert run.status is status or (
        status is None and run.status in (Status.SIGNAL, Status.ERROR, Status.OOM)
    )
    assert run.sentence
    assert (after.status, after.stdout) == (Status.OK, "fine\n")


async def test_a_full_disk_is_an_error_inside_only(run_code: RunCode) -> None:
    run = await run_code(TMPFS_MEMORY_BOMB, work_mb=16, tmp_mb=8, memory_mb=160, artifact_bytes=1 << 20)
    full = "No space left on device"
    assert run.stdout == f"/work {full}\n/tmp {full}\n/dev/shm {full}\n"
    assert run.contents() == {}
    assert "fill was left out" in run.notes[0]


async def test_a_million_small_files_meet_the_inode_limit(run_code: RunCode) -> None:
    run = await run_code(MANY_FILES, inodes=2000, artifacts_count=100)
    made, reason = run.stdout.split(" ", 1)
    assert int(made) < 2000
    assert reason == "No space left on device\n"
    assert len(run.files) == 100
    assert f"{int(made) - 100} more files were left out" in run.notes[0]


@pytest.mark.parametrize(
    ("attack", "limits"), [(MANY_DESCRIPTORS, {"nofile": 256}), (MANY_THREADS, {"pids": 64})]
)
async def test_descriptors_and_threads_run_out(
    run_code: RunCode, attack: str, limits: dict[str, int]
) -> None:
    run = await run_code(attack, **limits)
    assert (run.status, run.stdout.split()[0]) == (Status.OK, "True")


async def test_a_daemon_neither_holds_the_call_nor_outlives_it(run_code: RunCode) -> None:
    run = await run_code(DAEMON, timeout_seconds=60)
    assert (run.status, run.stdout) == (Status.OK, "daemon up\n")
    assert run.seconds < 30
    assert set(run.files) == {"daemon"}


async def test_a_daemon_that_floods_ends_with_the_program(run_code: RunCode) -> None:
    run = await run_code(DAEMON_FLOOD, timeout_seconds=60)
    assert run.status in (Status.OK, Status.OUTPUT_FLOOD)
    assert run.seconds < 30


async def test_output_in_single_bytes_does_not_keep_the_host_busy(sandbox: Sandbox) -> None:
    """As many pieces as such a program writes would take half a core from everything else the bot does."""
    pieces: list[str] = []
    code = "import os\nfor n in range(300_000):\n    os.write(1 + n % 2, b'x')"
    run = await sandbox.run(Job(code=code), on_output=pieces.append)
    assert (run.status, sum(map(len, pieces))) == (Status.OK, 300_000)
    assert len(pieces) < 250 * run.seconds + 50


async def test_ten_megabytes_of_source_are_refused(run_code: RunCode) -> None:
    run = await run_code("#" * 10_000_000)
    assert (run.status, run.exit_code) == (Status.ERROR, None)
    assert "10000000 bytes" in run.sentence


async def test_invalid_utf8_in_the_source_is_only_text(run_code: RunCode) -> None:
    run = await run_code("print('half a \udce9 pair')")
    assert (run.status, run.stdout) == (Status.OK, "half a ? pair\n")


@pytest.mark.parametrize(
    "attack",
    [
        "import sys; sys.stdout.close(); sys.stderr.close()",
        "import os; os.close(1); os.close(2)",
        "import os; os.closerange(0, 4096)",
        "import sys; sys.stdout = None; sys.stderr = None; print('x')",
        "import sys; del sys.stdout",
    ],
)
async def test_closed_output_still_ends_well(run_code: RunCode, attack: str) -> None:
    run = await run_code(attack)
    assert (run.status, run.exit_code) == (Status.OK, 0)


async def test_a_clock_set_back_changes_nothing(run_code: RunCode) -> None:
    code = """
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
now = (ctypes.c_long * 2)(0, 0)
print(libc.clock_settime(0, now), ctypes.get_errno(), time.time() > 1e9)
"""
    run = await run_code(code)
    assert run.stdout == "-1 1 True\n"
