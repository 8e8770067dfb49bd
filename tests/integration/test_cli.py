"""The command line as people run it: its exit codes, its output, and how it ends on a signal."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bot import cli
from bot.cli import COMMANDS
from bot.settings import Settings
from scripts.steps import ROOT
from tasks.message import Message, ThreadAddress
from tasks.store.database import Database
from tasks.store.ratings import Ratings
from tasks.store.tasks import TaskStore
from tests.support.database_templates import migrate

#: A program with one command, to be ended by a signal in the middle of its work.
SLOW = """
    import asyncio, sys
    from bot import cli

    def register(subparsers):
        subparsers.add_parser("wait")

    async def run(args, settings):
        print("started", flush=True)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            print("cleaned up", flush=True)

    raise SystemExit(cli.run({"wait": sys.modules[__name__]}, ["wait"]))
"""


@dataclass(frozen=True)
class CommandLine:
    """Runs `handoff` in this process with an empty environment and a folder of its own: a process of its own
    takes a second or more to start."""

    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    commands: Mapping[str, cli.Command] = field(default_factory=lambda: COMMANDS)

    def __call__(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        for name, value in environ.items():
            self.monkeypatch.setenv(name, value)
        try:
            code = cli.run(self.commands, arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        return subprocess.CompletedProcess(arguments, code, *self.capsys.readouterr())


@pytest.fixture
def handoff(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    restored_logging: None,
) -> CommandLine:
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in clean_environ(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return CommandLine(capsys, monkeypatch)


def clean_environ(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "HOME": str(folder)}


def test_help_names_the_commands_and_imports_nothing_heavy(tmp_path: Path) -> None:
    watched = "openai dbos docker slack_bolt slack_sdk sqlalchemy aiohttp alembic mcp"
    code = f"""
        import sys
        from bot import cli
        try:
            cli.main(["--help"])
        finally:
            print("imported:", [name for name in {watched.split()} if name in sys.modules])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        env=clean_environ(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "imported: []"
    assert all(f" {name} " in done.stdout for name in COMMANDS)


def test_a_command_that_needs_no_settings_prints_and_ends_well(handoff: CommandLine) -> None:
    done = handoff("manifest")
    assert done.returncode == 0
    assert json.loads(done.stdout)["settings"]["socket_mode_enabled"] is True
    assert done.stderr == ""


def test_the_manifest_is_also_a_link(handoff: CommandLine) -> None:
    done = handoff("manifest", "--link", "--url", "https://handoff.example.com")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("https://api.slack.com/apps?new_app=1&manifest_json=%7B")
    assert "handoff.example.com%2Fslack%2Fevents" in done.stdout


def test_wrong_settings_are_reported_at_once_without_a_traceback(
    handoff: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("HANDOFF_LOG_FORMAT=xml\n")
    done = handoff("manifest", HANDOFF_PORT="x", SLACK_API_URL="nowhere")
    assert done.returncode == 2
    assert done.stdout == ""
    printed = done.stderr.splitlines()
    assert [line.split()[1] for line in printed] == ["SLACK_API_URL", "HANDOFF_PORT", "HANDOFF_LOG_FORMAT"]
    assert all(line.startswith("handoff: ") and line.endswith(".") for line in printed)


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("dance",), ("manifest", "--url", "http://x"), ("doctor", "--channel", "sales"),
        ("tasks", "--limit", "-4"), ("purge",), ("purge", "--older-than", "-5", "--yes"),
        ("purge", "--older-than", "nan", "--yes"),
    ],
)  # fmt: skip
def test_wrong_arguments_end_with_2(handoff: CommandLine, arguments: tuple[str, ...]) -> None:
    done = handoff(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_the_doctor_shows_the_settings_problems_among_its_findings(handoff: CommandLine) -> None:
    done = handoff("doctor", HANDOFF_PORT="x", DOCKER_HOST="tcp://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stdout.startswith("✗ Settings: HANDOFF_PORT must be")
    assert "✓ Data folder: " in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_a_misspelt_variable_is_named_with_the_nearest_one(
    handoff: CommandLine, tmp_path: Path, command: str
) -> None:
    (tmp_path / ".env").write_text("HANDOFF_ALLOW_USRES=U0ADA\n")
    done = handoff(
        command, HANDOFF_MODLE="x", HANDOFF_QQ="1", HANDOFF_PRT="", DOCKER_HOST="tcp://127.0.0.1:1"
    )
    printed = done.stdout + done.stderr
    assert done.returncode == {"serve": 2, "doctor": 1}[command]
    assert "HANDOFF_MODLE is not a setting. Did you mean HANDOFF_MODEL?\n" in printed
    assert "HANDOFF_ALLOW_USRES is not a setting. Did you mean HANDOFF_ALLOW_USERS?\n" in printed
    assert "HANDOFF_QQ is not a setting. Remove it; docs/settings.md lists all settings.\n" in printed
    assert "HANDOFF_PRT" not in printed, "an empty variable counts as not set"


def test_the_settings_of_a_channel_are_spelled_as_in_its_file(handoff: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "channels.toml"
    file.write_text('[T0ACME.C0SALES]\nprogress = "quiet"\nallow_guests = true\n')
    done = handoff("doctor", "--channel", "T0ACME/C0SALES", HANDOFF_CHANNELS_FILE="channels.toml")
    assert (done.returncode, done.stderr) == (0, "")
    rows = done.stdout.splitlines()
    assert f'progress = "quiet" ({file}: T0ACME.C0SALES)' in rows
    assert f"allow_guests = true ({file}: T0ACME.C0SALES)" in rows
    assert "limit_task_usd = not set (default)" in rows
    assert not [row for row in rows if "<" in row or "None" in row]


def test_a_fresh_folder_has_no_tasks_before_and_after_the_doctor(
    handoff: CommandLine, tmp_path: Path
) -> None:
    environ = {"HANDOFF_DATA_DIR": str(tmp_path / "data"), "DOCKER_HOST": "tcp://127.0.0.1:1"}
    examined = handoff("doctor", **environ)
    assert " is empty; the first start makes the tables.\n" in examined.stdout
    listed = handoff("tasks", **environ)
    assert listed.returncode == 0
    assert listed.stdout == "There are no tasks yet. Add --play for those of `make run`.\n"
    assert handoff("tasks", "--play", **environ).stdout == "There are no tasks yet.\n"
    assert handoff("orders", **environ).stdout == "There are no standing orders.\n"


async def _rated(folder: Path) -> list[str]:
    """The ids of two tasks that were rated down; the first has a reason, and was rated up too."""
    await migrate(f"sqlite:///{folder}/handoff.db")
    database = Database(f"sqlite:///{folder}/handoff.db")
    await database.open()
    for ts in ("1.1", "1.2"):
        asked = Message(thread=ThreadAddress("T1", "C1", ts), ts=ts, user="U1", user_name="Ada", text=ts)
        await TaskStore(database).accept(asked)
    first, second = await TaskStore(database).recent()
    ratings = Ratings(database)
    await ratings.rate(first.id, "U1", "good")
    for task in (first, second):
        await ratings.rate(task.id, "U2", "bad")
    await ratings.explain(first.id, "U2", "The year\nis missing.")
    await database.close()
    return [first.id, second.id]


def test_tasks_that_were_rated_down_are_listed_with_the_reasons(handoff: CommandLine, tmp_path: Path) -> None:
    first, second = asyncio.run(_rated(tmp_path))
    listed = handoff("tasks", "--rated", "down", HANDOFF_DATA_DIR=str(tmp_path))
    one, why, two = listed.stdout.splitlines()[-3:]  # the log of the preparation comes first
    assert (first in one, second in two, why.strip()) == (True, True, "The year is missing.")
    up = handoff("tasks", "--rated", "up", HANDOFF_DATA_DIR=str(tmp_path))
    assert [line.split()[0] for line in up.stdout.splitlines()][-1:] == [first]
    assert second not in up.stdout


def test_a_reader_that_leaves_early_is_no_fault(tmp_path: Path) -> None:
    command = f"{sys.executable} -m bot.cli manifest | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=clean_environ(tmp_path), capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
async def test_a_signal_lets_the_command_clean_up(tmp_path: Path, number: signal.Signals, code: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        textwrap.dedent(SLOW),
        cwd=tmp_path,
        env=clean_environ(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"started\n"
    process.send_signal(number)
    out, err = await process.communicate()
    assert (process.returncode, out, err) == (code, b"cleaned up\n", b"")


async def test_a_background_job_ignores_ctrl_c_and_ends_on_sigterm(tmp_path: Path) -> None:
    """A shell without job control starts what has a `&` with SIGINT ignored, so that Ctrl-C spares it."""
    code = (
        f"import bot.commands.play as play\nprint(play._how_to_stop(), flush=True)\n{textwrap.dedent(SLOW)}"
    )
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", f"trap '' INT; exec {sys.executable} -c '{code}'",
        cwd=tmp_path, env=clean_environ(tmp_path), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert (await process.stdout.readline()).decode() == f"`kill {process.pid}` stops it.\n"
    assert await process.stdout.readline() == b"started\n"
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    out, _ = await process.communicate()
    assert (process.returncode, out) == (0, b"cleaned up\n")


class Faulty:
    """A command with a fault."""

    def register(self, subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        subparsers.add_parser("fail")

    def run(self, args: argparse.Namespace, settings: Settings) -> int:
        raise KeyError("xoxb-1-2-3")


def test_a_fault_of_our_own_is_a_line_of_the_log_without_secrets(handoff: CommandLine) -> None:
    done = replace(handoff, commands={"fail": Faulty()})("fail", HANDOFF_LOG_FORMAT="json")
    assert done.returncode == 1
    (line,) = map(json.loads, done.stderr.splitlines())
    assert (line["level"], line["event"]) == ("critical", "ended by a fault of Handoff's own")
    assert "xoxb" not in done.stderr
