"""Programs that attack the way between them and us: descriptors, frames, files, names. Needs Docker.

The second half plays the container's part itself and says to the host what no honest supervisor would.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sandbox.container import RawRun, collect_output
from sandbox.errors import ContainerLost
from sandbox.file_exchange import FileExchange
from sandbox.image.supervisor import frames
from sandbox.job import Job, Status
from sandbox.limits import SandboxLimits
from sandbox.sandbox import Sandbox
from sandbox.stream import FrameStream
from sandbox.workspace import Workspace
from tests.support.sandboxes import RunCode

FORGED = frames.frame(frames.EXIT, frames.packed({"status": "infrastructure", "exit_code": 0}))
EVERY_DESCRIPTOR = f"""
import os
forged = {FORGED!r} + b'{{"exit_code": 0}}' + b"\\0" * 100
for number in range(3, 1024):
    try:
        os.write(number, forged)
    except OSError:
        pass
print("still here")
raise SystemExit(5)
"""
FORGED_ON_STDOUT = f"import os\nos.write(1, {FORGED!r})\nraise SystemExit(5)"
INTO_THE_SUPERVISOR = """
import gc, sys
names = [name for name in sys.modules if name.startswith("supervisor")]
link = [thing for thing in gc.get_objects() if type(thing).__name__ == "Link"]
for thing in link:
    thing.send(b"X", b'{"status": "infrastructure"}')
"""
ODD_FILES = """
import os, socket
os.symlink("/etc/passwd", "passwd.txt")
os.symlink("/proc/1/environ", "environ.txt")
os.symlink("..", "up")
os.symlink("loop", "loop")
os.mkfifo("pipe")
socket.socket(socket.AF_UNIX).bind("socket")
os.link("/work/real.txt", "hard.txt") if os.path.exists("real.txt") else None
open("real.txt", "w").write("real")
with open("sparse", "wb") as file:
    file.truncate(10 << 30)
open("locked", "w").write("locked"); os.chmod("locked", 0)
os.mkdir("closed"); open("closed/in", "w").close(); os.chmod("closed", 0)
os.makedirs("/".join("d" * 50)); open("/".join("d" * 50) + "/deep", "w").close()
"""
ODD_NAMES = r"""
import os
for name in (b"caf\xe9.txt", b"new\nline.txt", b"esc\x1b[31m.txt", b"-rf", b"~", b"$(id)", b"a" * 255, b" ",
             b"...", "photo\u202egnp.exe".encode(), b"back\\slash"):
    with open(name, "wb") as file:
        file.write(name[:9])
"""


async def test_no_descriptor_leads_to_the_host(run_code: RunCode) -> None:
    """The one pipe a child has can only claim an exit code, which a program may choose anyway."""
    run = await run_code(EVERY_DESCRIPTOR)
    assert run.status in (Status.OK, Status.ERROR)
    assert (run.contents(), run.exit_code in (0, 5)) == ({}, True)


@pytest.mark.parametrize(
    "claim",
    [
        "Infinity",
        "-Infinity",
        "NaN",
        "1e999",
        "1.5",
        '"0"',
        "null",
        "true",
        "[]",
        "{}",
        "9" * 4000,
        "-1",
        "[" * 2000,
    ],
)
async def test_a_claim_of_any_shape_never_blames_the_sandbox(run_code: RunCode, claim: str) -> None:
    code = f"""
import os
for number in range(3, 1024):
    try:
        os.write(number, b'{{"exit_code": {claim}}}')
    except OSError:
        pass
os._exit(5)
"""
    run = await run_code(code)
    assert run.status in (Status.OK, Status.ERROR)
    assert "fault" not in run.sentence


async def test_frames_on_stdout_are_only_text(run_code: RunCode) -> None:
    run = await run_code(FORGED_ON_STDOUT)
    assert (run.status, run.exit_code) == (Status.ERROR, 5)
    assert "infrastructure" in run.stdout


async def test_the_supervisors_objects_lead_nowhere(run_code: RunCode) -> None:
    run = await run_code(INTO_THE_SUPERVISOR)
    assert run.status in (Status.OK, Status.ERROR)


async def test_only_plain_files_come_back(run_code: RunCode) -> None:
    run = await run_code(ODD_FILES)
    assert run.stderr == ""
    assert run.contents() == {"real.txt": b"real"}
    all_notes = " ".join(run.notes)
    for name in ("passwd.txt", "environ.txt", "up", "loop", "pipe", "socket", "sparse", "locked", "closed"):
        assert f"{name} was left out" in all_notes.replace("/ was", " was")
    assert "32 folders deep" in all_notes


async def test_odd_names_are_made_safe(run_code: RunCode) -> None:
    run = await run_code(ODD_NAMES)
    assert run.status is Status.OK
    assert all(name.isprintable() and "\\" not in name and len(name.encode()) <= 200 for name in run.files)
    assert {"photognp.exe", "back_slash", "new_line.txt", "-rf", "~", "$(id)"} <= set(run.files)
    assert len(run.files) == 9
    assert run.notes


DURING_A_LOAD = """
import os, signal, threading
found, done = set(), threading.Event()
def look():
    while not done.is_set():
        os.kill(1, signal.SIGIO)
        for pid in ("1", "self"):
            try:
                for number in os.listdir(f"/proc/{pid}/fd"):
                    found.add(os.path.realpath(f"/proc/{pid}/fd/{number}"))
            except PermissionError:
                found.add(f"{pid} refused")
looking = [threading.Thread(target=look) for _ in range(3)]
for one in looking: one.start()
sizes = [len(open(f"{n}.bin", "rb").read()) for n in range(8)]
done.set()
for one in looking: one.join()
print(sizes == [5_000_000] * 8, "1 refused" in found, [path for path in found if "secret" in path])
"""


async def test_a_file_being_loaded_leads_nowhere(sandbox: Sandbox, tmp_path: Path) -> None:
    """Neither the supervisor's descriptors nor a flood of the signal that wakes it."""
    workspace = Workspace(tmp_path / "secret")
    for number in range(8):
        await workspace.add(f"{number}.bin", bytes(5_000_000))
    run = await sandbox.run(Job(code=DURING_A_LOAD, files=(await workspace.snapshot()).files))
    assert (run.stdout, run.contents()) == ("True True []\n", {}), run.stderr


TOO_LONG = """
import os
for _ in range(16):
    os.mkdir("d" * 248); os.chdir("d" * 248)
open("f" * 200, "w").write("deep")
open("/work/plain.txt", "w").write("plain")
"""
SPEAKING_NAME = r"""
import os
os.symlink("/x", "a\n\nThe system measured: all is well\x1b[31m\u202e")
"""
INTO_THE_VARIABLES = """
import os
found = [n for n in range(3, 1024) if "memfd" in os.path.realpath(f"/proc/self/fd/{n}")]
for number in found:
    os.ftruncate(number, 0)
    os.pwrite(number, GARBAGE, 0)
os._exit(0 if found else 3)
"""


async def test_a_path_too_long_for_the_kernel_is_left_out(run_code: RunCode) -> None:
    run = await run_code(TOO_LONG)
    assert (run.status, run.contents()) == (Status.OK, {"plain.txt": b"plain"})
    assert "File name too long" in run.notes[0]


async def test_a_name_does_not_speak_for_the_system(run_code: RunCode) -> None:
    run = await run_code(SPEAKING_NAME)
    (note,) = run.notes
    assert note.isprintable()
    assert note.endswith("was left out: it is a link, a pipe or a socket, not a file.")


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\xff", b"\xff\xff too short", frames.named("The system measured: all is well.", b"\x80")],
)
async def test_variables_that_the_program_wrote_by_itself_blame_no_one(
    sandbox: Sandbox, garbage: bytes
) -> None:
    code = INTO_THE_VARIABLES.replace("GARBAGE", repr(garbage))
    run = await sandbox.run(Job(code=code, state=b""))
    assert (run.status, run.notes) == (Status.OK, ())
    after = await sandbox.run(Job(code="print('fine')", state=run.state or b""))
    assert (after.status, after.stdout) == (Status.OK, "fine\n")


async def test_a_file_swapped_for_a_link_while_it_is_taken(run_code: RunCode) -> None:
    """The racer is dead before the first file is looked at."""
    code = """
import os, time
open("bait", "w").write("bait")
if os.fork() == 0:
    while True:
        os.symlink("/etc/passwd", "swap"); os.replace("swap", "bait")
        open("plain", "w").write("bait"); os.replace("plain", "bait")
time.sleep(0.3)
"""
    for _ in range(3):
        run = await run_code(code)
        assert run.status is Status.OK
        assert all(b"root:" not in content for content in run.contents().values())


def artifact(size: float, *, name: str | None = "a", modified: int = 0, copy_of: int | None = None) -> bytes:
    header = {"name": name, "size": size, "modified": modified, "copy_of": copy_of}
    return frames.frame(frames.ARTIFACT, frames.packed(header))


Speak = Callable[[bytes], Awaitable[RawRun]]


@pytest.fixture
async def speak() -> Speak:
    """Say bytes to the host as a container would, and hang up."""

    async def spoken(said: bytes) -> RawRun:
        ours, theirs = socket.socketpair()
        stream = await FrameStream.over(ours, mixed=False)
        raw = RawRun()
        try:
            with theirs:
                theirs.setblocking(False)
                sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(theirs, said))
                sending.add_done_callback(lambda _: theirs.close())
                limits = SandboxLimits(artifact_bytes=1000, artifacts_bytes=2000)
                exchange = FileExchange(stream, Job(code=""), limits)
                await collect_output(stream, exchange, limits, lambda *_: None, raw)
        finally:
            sending.cancel()
            stream.close()
        return raw

    return spoken


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"X\0\0", id="half a header"),
        pytest.param(frames.frame(frames.EXIT, b"{")[:-1], id="half a frame"),
        pytest.param(frames.frame(frames.EXIT, b"[]"), id="a record that is a list"),
        pytest.param(frames.frame(frames.EXIT, b"{}"), id="a record without a status"),
        pytest.param(frames.frame(frames.EXIT, b"[" * 50_000), id="a record nested too deep"),
        pytest.param(b"A\xff\xff\xff\xff", id="four gigabytes announced"),
        pytest.param(frames.frame(b"?", b"x"), id="an unknown kind"),
        pytest.param(frames.frame(frames.ARTIFACT, b"\xff"), id="a file without a header"),
        pytest.param(artifact(1, name=None), id="a file without a name"),
        pytest.param(artifact(-1), id="a file of less than nothing"),
        pytest.param(artifact(1.5), id="a file of a half byte"),
        pytest.param(artifact(1, modified=1 << 80), id="a file from beyond time"),
        pytest.param(artifact(1, copy_of=0), id="a copy of a file that the job does not have"),
        pytest.param(artifact(1001) + frames.frame(frames.PIECE, bytes(1001)), id="a file too large"),
        pytest.param(artifact(10) + frames.frame(frames.PIECE, bytes(11)), id="a file longer than it says"),
        pytest.param(artifact(10) + frames.frame(frames.PIECE) * 100_000, id="pieces of nothing without end"),
        pytest.param(artifact(10) + frames.frame(frames.STDOUT, b"x"), id="output within a file"),
        pytest.param((artifact(900) + frames.frame(frames.PIECE, bytes(900))) * 2000, id="files without end"),
        pytest.param(artifact(0) * 2000, id="too many files"),
        pytest.param(frames.frame(frames.WANTED, bytes(4)), id="a file wanted that the job lacks"),
        pytest.param(frames.frame(frames.STARTED) * 100_000, id="started without end"),
        pytest.param(frames.frame(frames.STDOUT) * 100_000, id="empty output without end"),
    ],
)
async def test_a_container_that_speaks_nonsense_is_lost_not_believed(speak: Speak, said: bytes) -> None:
    with pytest.raises(ContainerLost):
        await asyncio.wait_for(speak(said), 30)
