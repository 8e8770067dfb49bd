"""`handoff sandbox` as people and scripts call it: a process of its own. Needs Docker."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.engine import DockerEngine
from sandbox.limits import SandboxLimits
from sandbox.owner import Owner
from sandbox.pool import BARE
from sandbox.spec import container_settings
from tests.support.command import start_command

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("sandbox_image")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


async def handoff(*arguments: str, stdin: bytes = b"", **environment: str) -> Ended:
    settings = {"PATH": os.environ["PATH"], "HANDOFF_SANDBOX_POOL": "0", **environment}
    process = await start_command("sandbox", *arguments, environment=settings, stdin=stdin)
    out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


async def test_a_program_from_stdin_and_its_exit_code() -> None:
    ended = await handoff("run", stdin=b"import sys\nprint('out')\nsys.exit('wrong')")
    assert (ended.code, ended.out, ended.err) == (1, "out\n", "wrong\n")


async def test_a_program_with_files_in_and_out(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("1,2")
    (tmp_path / "program.py").write_text("open('out.txt', 'w').write(open('in.csv').read());")
    ended = await handoff(
        "run",
        str(tmp_path / "program.py"),
        "--input",
        str(tmp_path / "in.csv"),
        "--output",
        str(tmp_path / "made"),
    )
    assert ended.code == 0, ended.err
    assert (tmp_path / "made" / "out.txt").read_text() == "1,2"


@pytest.mark.parametrize(
    ("code", "options", "exit_code", "words"),
    [
        (b"while True: pass", ["--timeout", "0.5"], 124, "time limit"),
        (b"import os; os.abort()", [], 137, "SIGABRT"),
    ],
)
async def test_a_limit_is_reported_on_stderr(
    code: bytes, options: list[str], exit_code: int, words: str
) -> None:
    ended = await handoff("run", *options, stdin=code)
    assert ended.code == exit_code
    assert words in ended.err


async def test_no_engine_ends_with_125_and_a_sentence() -> None:
    ended = await handoff("run", stdin=b"1", DOCKER_HOST="unix:///nowhere.sock")
    assert ended.code == 125
    assert "DOCKER_HOST" in ended.err
    assert ended.err.count("\n") == 1
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "none.py"], "no file none.py"),
        (["run", "tests"], "tests is a folder"),
        (["run", "--input", "none.csv"], "no file none.csv"),
        (["run", "--jsonl", "--timeout", "1"], "each line has its own"),
        (["run", "--timeout", "nan"], "'nan' is not a number of seconds above 0"),
        (["run", "--timeout", "0"], "'0' is not a number of seconds above 0"),
    ],
)
async def test_arguments_that_cannot_be_met(arguments: list[str], words: str) -> None:
    ended = await handoff(*arguments)
    assert ended.code == 2
    assert words in ended.err
    assert "Traceback" not in ended.err


async def test_an_output_that_is_no_folder_is_one_sentence() -> None:
    ended = await handoff("run", "--output", "README.md", stdin=b"open('made', 'w').close()")
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert ended.err.startswith("handoff: README.md")


@pytest.mark.parametrize("words", ["run <&-", "run >/dev/full"])
async def test_ways_in_and_out_that_do_not_work_are_one_sentence(words: str) -> None:
    program = "print('made')"
    shell = f"echo {shlex.quote(program)} | {shlex.quote(sys.executable)} -m bot.cli sandbox {words}"
    process = await asyncio.create_subprocess_shell(
        shell, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    assert process.returncode in (1, 2)
    assert err.decode().startswith("handoff: ")
    assert err.count(b"\n") == 1


async def test_build_with_an_image_of_ones_own_says_whether_it_is_there(sandbox_image: str) -> None:
    there = await handoff("build", HANDOFF_SANDBOX_IMAGE=sandbox_image)
    missing = await handoff("build", HANDOFF_SANDBOX_IMAGE="handoff-sandbox:never-made")
    assert (there.code, missing.code) == (0, 1)
    assert "is there" in there.out
    assert "does not have" in missing.err


async def test_every_line_is_answered() -> None:
    lines = [
        {"id": 1, "code": "print('ok')"},
        {"id": "two", "code": "raise SystemExit(3)"},
        {"id": 3, "code": "while True: pass", "timeout": 0.5},
        {"id": 4, "code": "import os; os.abort()"},
        {"id": 5, "code": "open('b', 'wb').write(open('a', 'rb').read());", "files": {"a": "AAH/"}},
        {"id": 6, "code": "bytearray(1 << 30)"},
        {"id": 7, "code": "while True: print('x' * 9999)"},
        {"id": 8},
        {"id": 9, "code": "1", "files": {"a": "not base64"}},
        {"id": 10, "code": "1", "files": {"../a": ""}},
        {"id": [11], "code": "1", "unknown": True},
    ]
    text = "\n".join(["", "not json", "7", *map(json.dumps, lines)])
    limits = {"HANDOFF_SANDBOX_MEMORY_MB": "256", "HANDOFF_SANDBOX_FLOOD_BYTES": "100000"}
    ended = await handoff("run", "--jsonl", stdin=text.encode(), **limits)
    assert (ended.code, ended.err) == (0, "")
    answers = [json.loads(line) for line in ended.out.splitlines()]
    keys = {"id", "status", "exit_code", "stdout", "stderr", "files", "seconds"}
    assert all(set(answer) == keys for answer in answers)
    assert [answer["status"] for answer in answers if answer["id"] is None] == ["error", "error"]
    known = {json.dumps(answer["id"]): answer for answer in answers if answer["id"] is not None}
    ends = {name: (answer["status"], answer["exit_code"]) for name, answer in known.items()}
    assert ends == {
        "1": ("ok", 0),
        '"two"': ("error", 3),
        "3": ("timeout", None),
        "4": ("signal", None),
        "5": ("ok", 0),
        "6": ("oom", None),
        "7": ("output_flood", None),
        "8": ("error", None),
        "9": ("error", None),
        "10": ("error", None),
        "[11]": ("error", None),
    }
    assert known["1"]["stdout"] == "ok\n"
    assert base64.b64decode(known["5"]["files"]["b"]) == b"\0\1\xff"
    assert "time limit" in known["3"]["stderr"]
    assert "'../a'" in known["10"]["stderr"]


WRONG = (
    b"\xff\xfe",
    b'{"id": "lat\xe9", "code": "1"}',
    b'{"id": "\\ud800", "code": "1"}',
    b'{"id": NaN, "code": "1", "timeout": -1}',
    b'{"id": 1e999, "code": 1}',
    b'{"id": 1' + b"0" * 5000 + b', "code": "1"}',
    b'{"id": ' + b"[" * 100_000,
    b"[" * 100_000,
    b'{"code": "1", "timeout": true}',
    b'{"code": "1", "timeout": NaN}',
    b'{"code": "1", "timeout": "5"}',
    b'{"code": "1", "files": ["a"]}',
    b'{"code": "1", "files": {"a": 5}}',
    b'{"code": "1", "files": {"": ""}}',
    b'{"code": "1", "files": {"\\u202egnp": ""}}',
    b'{"code": "1"} {"code": "1"}',
    b'{"code": "' + b"#" * 50_000_000 + b'"}',
    b"null",
)


async def test_a_line_in_any_wrong_shape_is_answered_and_stops_no_other() -> None:
    first, last = (
        b'\xef\xbb\xbf{"id": "same", "code": "print(1)", "timeout": 1e300}',
        b'{"id": "same", "code": "2"}\r',
    )
    ended = await handoff("run", "--jsonl", stdin=b"\n".join((first, b"  ", *WRONG, last)))
    assert (ended.code, ended.err) == (0, "")
    answers = [json.loads(line, parse_constant=pytest.fail) for line in ended.out.splitlines()]
    assert [answer["stdout"] for answer in answers if answer["id"] == "same"] == ["1\n", "2\n"]
    assert len(answers) == len(WRONG) + 2
    wrong = [answer for answer in answers if answer["id"] != "same"]
    assert all(answer["status"] == "error" and "was not run: " in answer["stderr"] for answer in wrong)


async def test_a_reader_that_leaves_early_is_no_fault(tmp_path: Path) -> None:
    lines = tmp_path / "jobs.jsonl"
    lines.write_text("\n".join(json.dumps({"id": n, "code": "print('x' * 9000)"}) for n in range(12)))
    command = f"{sys.executable} -m bot.cli sandbox run --jsonl {lines} | true; echo ${{PIPESTATUS[0]}}"
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", command, cwd=ROOT, env={"PATH": os.environ["PATH"], "HANDOFF_SANDBOX_POOL": "0"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert await process.communicate() == (b"0\n", b"")


async def test_build_says_that_the_image_is_there(sandbox_image: str) -> None:
    ended = await handoff("build")
    assert (ended.code, ended.out) == (0, f"{sandbox_image}\n")


async def test_ps_and_clean_know_the_dead_from_the_living(sandbox_image: str) -> None:
    living, host = Owner.this_process(), Owner.this_process().label.rsplit("-", 2)[0]
    dead = Owner(f"{host}-{os.getpid()}-dead", "1")
    made: list[str] = []
    async with DockerEngine() as engine:

        async def create(owner: Owner) -> str:
            settings = container_settings(
                SandboxLimits(), image=sandbox_image, flavour=BARE, labels=owner.labels(BARE)
            )
            made.append(await engine.create(settings))
            return made[-1][:12]

        async def listed() -> dict[str, str]:
            return {row.split()[0]: row for row in (await handoff("ps")).out.splitlines()[1:]}

        try:
            ours, theirs = await create(living), await create(dead)
            while theirs not in (rows := await listed()):  # a bot that starts in another test removes it too
                theirs = await create(dead)
            assert "dead;" in rows[theirs]
            assert "dead;" not in rows[ours]
            assert (await handoff("clean")).out.startswith("Removed ")
            left = await listed()
            assert ours in left
            assert theirs not in left
        finally:
            for identity in made:
                await engine.remove(identity)
