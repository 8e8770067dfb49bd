"""Large files of a job: loaded when a program opens them, over both transports. Needs Docker."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest

from sandbox.job import Job, Status
from sandbox.limits import SandboxLimits
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace
from tests.support.sandboxes import RunCode, left

BIG = os.urandom(3_000_001)
DIGEST = hashlib.md5(BIG, usedforsecurity=False).hexdigest()
HASHED = "import hashlib\nprint(hashlib.md5(DATA).hexdigest())"


@pytest.fixture(params=["socket", "attach"])
async def sandbox(sandbox_image: str, request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    transport: Literal["socket", "attach"] = request.param
    async with Sandbox(image=sandbox_image, ready=0, transport=transport) as entered:
        yield entered


@pytest.fixture
async def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "thread")
    await left(workspace, {"big": BIG, "folder/small": b"small"})
    return workspace


OPENED = {
    "open": HASHED.replace("DATA", "open('big', 'rb').read()"),
    "a program": "import subprocess\nprint(subprocess.check_output(['md5sum', 'big'], text=True).split()[0])",
    "a C library": (
        "import ctypes\nc = ctypes.CDLL(None)\nc.fopen.restype = ctypes.c_void_p\n"
        "file = c.fopen(b'big', b'rb')\ndata = ctypes.create_string_buffer(3000001)\n"
        "c.fread(data, 1, 3000001, ctypes.c_void_p(file))\n" + HASHED.replace("DATA", "data.raw")
    ),
    "memory": "import mmap, os\ndata = mmap.mmap(os.open('big', os.O_RDONLY), 0, prot=mmap.PROT_READ)\n"
    + HASHED.replace("DATA", "data"),
    "another name": "import os\nos.rename('big', 'other')\n"
    + HASHED.replace("DATA", "open('other', 'rb').read()"),
    "a link": "import os\nos.symlink('big', 'link')\n" + HASHED.replace("DATA", "open('link', 'rb').read()"),
    "two at once": (
        "from concurrent.futures import ThreadPoolExecutor\nimport hashlib\nfrom pathlib import Path\n"
        "with ThreadPoolExecutor() as pool:\n"
        "    (one,) = set(pool.map(lambda _: hashlib.md5(Path('big').read_bytes()).hexdigest(), range(4)))\n"
        "print(one)"
    ),
}


@pytest.mark.parametrize("code", OPENED.values(), ids=OPENED)
async def test_a_large_file_is_whole_however_it_is_opened(
    sandbox: Sandbox, workspace: Workspace, code: str
) -> None:
    run = await sandbox.run(Job(code=code, files=(await workspace.snapshot()).files))
    assert (run.status, run.stdout) == (Status.OK, f"{DIGEST}\n"), run.stderr
    if "rename" not in code:
        assert (run.contents(), run.removed) == ({}, ())


async def test_what_is_not_opened_is_not_sent(sandbox: Sandbox, workspace: Workspace) -> None:
    code = "import os\ns = os.stat('big')\nprint(s.st_size, s.st_blocks, s.st_mtime_ns, os.listdir('folder'))"
    before = await workspace.snapshot()
    run = await sandbox.run(Job(code=code, files=before.files))
    assert run.stdout == f"{len(BIG)} 0 {before.files['big'].modified} ['small']\n"
    assert (run.contents(), run.removed, run.notes) == ({}, (), ())


@pytest.mark.parametrize(
    ("code", "contents", "removed"),
    [
        ("import os; os.rename('big', 'moved')", {"moved": BIG}, ("big",)),
        ("import os; os.link('big', 'second')", {"second": BIG}, ()),
        ("import os; os.remove('big')", {}, ("big",)),
        ("import os; os.utime('big', (1, 1))", {"big": BIG}, ()),
        ("f = open('big', 'r+b'); f.seek(2); f.write(b'!!!');", {"big": BIG[:2] + b"!!!" + BIG[5:]}, ()),
        ("open('big', 'ab').write(b'more');", {"big": BIG + b"more"}, ()),
        ("open('big', 'wb').write(b'new');", {"big": b"new"}, ()),
        ("import os; os.truncate('big', 5)", {"big": BIG[:5]}, ()),
        ("open('next', 'wb').write(b'new'); import os; os.replace('next', 'big')", {"big": b"new"}, ()),
    ],
)
async def test_a_change_of_a_large_file_comes_back(
    sandbox: Sandbox, workspace: Workspace, code: str, contents: dict[str, bytes], removed: tuple[str, ...]
) -> None:
    before = await workspace.snapshot()
    run = await sandbox.run(Job(code=code, files=before.files))
    assert (run.status, run.contents(), run.removed) == (Status.OK, contents, removed), run.stderr
    kept = await workspace.keep(run, before, "w1")
    assert (set(kept.files), kept.notes) == (set(contents), ())


async def test_a_large_file_that_another_worker_changes_first_ends_the_program_in_a_sentence(
    sandbox: Sandbox, workspace: Workspace
) -> None:
    before = await workspace.snapshot()
    await left(workspace, {"big": BIG[::-1]})
    run = await sandbox.run(Job(code="print(len(open('big', 'rb').read()))", files=before.files))
    assert (run.status, run.exit_code, run.stdout) == (Status.ERROR, None, "")
    assert run.sentence == (
        "The program was stopped: big can't be put into /work: another program changed it in the meantime."
    )


async def test_a_full_folder_ends_the_program_in_a_sentence(run_code: RunCode) -> None:
    code = "open('fill', 'wb').write(bytes(7 << 20))\nprint(len(open('big', 'rb').read()))"
    run = await run_code(code, files={"big": BIG}, work_mb=8)
    assert (run.status, run.exit_code, run.stdout) == (Status.ERROR, None, "")
    assert run.sentence == "The program was stopped: big can't be put into /work: No space left on device."


async def test_a_thousand_files_are_more_than_descriptors(sandbox_image: str) -> None:
    files = {f"{number}.bin": bytes([number % 256]) * 20_000 for number in range(200)}
    code = "print(sum(open(f'{n}.bin', 'rb').read() == bytes([n % 256]) * 20_000 for n in range(200)))"
    async with Sandbox(SandboxLimits(nofile=256), image=sandbox_image, ready=0) as sandbox:
        run = await sandbox.run(Job(code=code, files=files))
    assert run.stdout == "200\n", run.stderr


EIGHT_AT_ONCE = """
import asyncio, sys
from pathlib import Path
from sandbox.job import Job
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace

async def main():
    workspace = Workspace(Path(sys.argv[2]))
    async with Sandbox(image=sys.argv[1], ready=0) as sandbox:
        before = await workspace.snapshot()
        codes = ["print(len(open('big', 'rb').read()))"] * 2 + ["print(0)"] * 6
        jobs = [Job(code=code, files=before.files) for code in codes]
        runs = await asyncio.gather(*map(sandbox.run, jobs))
    assert [run.stdout for run in runs] == ["104857600\\n"] * 2 + ["0\\n"] * 6, runs
    (peak,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
    print(int(peak) // 1024)

asyncio.run(main())
"""


async def test_eight_calls_beside_a_hundred_megabytes_take_no_memory(
    sandbox_image: str, tmp_path: Path
) -> None:
    with (tmp_path / "big").open("wb") as file:
        for _ in range(100):
            file.write(BIG[: 1 << 20])
    command = [sys.executable, "-c", EIGHT_AT_ONCE, sandbox_image, str(tmp_path)]
    done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    assert int(done.stdout) < 100, "MiB at most"
