"""The steps of the set-up, as far as they can be tried without installing anything."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import pytest

from scripts import engine, environment, postgres, setup
from scripts.steps import ROOT, SetupError, exit_code, run


@contextmanager
def answering(address: Path, answer: bytes) -> Iterator[None]:
    """Something that listens like an engine and says one thing."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield
        thread.join()


_AS_SOMEBODY = """
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from scripts import engine, steps
engine.ROOT, engine.SOCKET = Path({forbidden!r}).parent, Path({forbidden!r})
os.setgroups([])
os.setuid(65534)
raise SystemExit(steps.exit_code(engine.main))
"""


def stuck() -> None:
    raise SetupError("No disk is left. Free some.")


def interrupted() -> None:
    raise KeyboardInterrupt


def test_a_step_that_is_stuck_ends_with_a_sentence_and_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(stuck) == 2
    assert capsys.readouterr().err == "handoff set-up: No disk is left. Free some.\n"


def test_ctrl_c_in_a_step_is_no_traceback() -> None:
    assert exit_code(interrupted) == 130
    assert exit_code(lambda: None) == 0


def test_what_the_system_refuses_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Root may write anywhere, but not below a file."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(environment, "FOLDER", tmp_path / "file" / ".venv")
    assert exit_code(environment._make) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(
        r"handoff set-up: \S+\.venv: Not a directory\. This process runs as \w+; fix that and try again\.",
        line,
    )


def test_a_command_that_fails_shows_its_last_words_and_the_fix(capsys: pytest.CaptureFixture[str]) -> None:
    code = "import sys; print('first'); print('why', file=sys.stderr); sys.exit(3)"
    with pytest.raises(SetupError, match="Do that"):
        run([sys.executable, "-c", code], fix="Do that.")
    assert "why" in capsys.readouterr().err


def test_a_command_that_works_is_silent_but_for_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    code = "for number in range(8): print('Collecting', number)"
    run([sys.executable, "-c", code], fix="", parts=("Collecting",), total=8)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.split("handoff set-up:   ")[1:] == ["2 of 8\n", "4 of 8\n", "6 of 8\n"]


@pytest.mark.parametrize(
    ("answer", "is_one"),
    [(b"HTTP/1.0 200 OK\r\n\r\nOK", True), (b"HTTP/1.0 503 Starting\r\n\r\n", False), (b"", False)],
)
def test_an_engine_is_what_answers_like_one(tmp_path: Path, answer: bytes, is_one: bool) -> None:
    address = tmp_path / "docker.sock"
    with answering(address, answer):
        assert engine._answers(address) is is_one


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not")
@pytest.mark.parametrize("rootless", [True, False])
def test_an_engine_without_root_is_found_beside_one_that_this_user_may_not_use(rootless: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        forbidden, own = Path(folder) / "root.sock", Path(folder) / "docker.sock"
        Path(folder).chmod(0o755)
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(forbidden))
        forbidden.chmod(0o600)
        if rootless:
            stack.enter_context(answering(own, b"HTTP/1.0 200 OK\r\n\r\nOK"))
            own.chmod(0o666)
        done = subprocess.run(
            [sys.executable, "-c", _AS_SOMEBODY.format(root=str(ROOT), forbidden=str(forbidden))],
            env={"XDG_RUNTIME_DIR": folder, "PATH": "/usr/bin:/bin", "HOME": folder},
            capture_output=True, text=True,
        )  # fmt: skip
    if rootless:
        assert (done.returncode, done.stdout) == (0, f"unix://{own}\n"), done.stderr
    else:
        assert done.returncode == 2
        assert "this user may not use it" in done.stderr


def test_a_socket_that_no_one_listens_on_is_no_engine(tmp_path: Path) -> None:
    assert not engine._answers(tmp_path / "missing.sock")


@pytest.mark.parametrize(
    ("line", "is_chosen"),
    [("DOCKER_HOST=tcp://engine:2375", True), ("DOCKER_HOST=", False), ("#DOCKER_HOST=x", False)],
)
def test_an_engine_chosen_in_the_file_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, is_chosen: bool
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "ROOT", tmp_path)
    assert not engine._is_configured()
    (tmp_path / ".env").write_text(f"HANDOFF_PORT=1\n{line}\n")
    assert engine._is_configured() is is_chosen


def test_the_number_of_a_running_daemon_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "daemon.pid"
    file.write_text(str(os.getpid()))
    engine._remove_stale_pid_file(file, Path("/proc/self/exe").readlink().name)
    assert file.exists()


def test_the_number_of_a_killed_daemon_that_another_process_has_by_now_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "daemon.pid"
    file.write_text(str(os.getpid()))
    engine._remove_stale_pid_file(file, "containerd")
    assert not file.exists()


def test_the_number_of_a_daemon_that_is_only_waited_for_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "daemon.pid"
    with subprocess.Popen([sys.executable, "-c", ""]) as zombie:
        file.write_text(str(zombie.pid))
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        engine._remove_stale_pid_file(file, "python")
    assert not file.exists()


@pytest.mark.parametrize("text", [None, "", "none"])
def test_no_number_is_nothing_to_forget(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "daemon.pid"
    if text is not None:
        file.write_text(text)
    engine._remove_stale_pid_file(file, "containerd")
    assert file.exists() is (text is not None)


def test_the_environment_is_made_again_when_what_it_is_made_from_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyproject.toml", *environment.LOCKS["development"]):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    before = {kind: environment._stamp(kind) for kind in environment.LOCKS}
    assert {kind: environment._stamp(kind) for kind in environment.LOCKS} == before
    with (tmp_path / "requirements-dev.lock").open("a") as lock:
        lock.write("# changed\n")
    assert environment._stamp("runtime") == before["runtime"]
    assert environment._stamp("development") != before["development"]
    with (tmp_path / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert environment._stamp("runtime") != before["runtime"]


@pytest.mark.parametrize(
    ("line", "packages"),
    [
        ("HANDOFF_EXTRA_PACKAGES=./team-tools", ["./team-tools"]),
        (
            'export HANDOFF_EXTRA_PACKAGES="-e ./team-tools crm==1.0"  # ours',
            ["-e", "./team-tools", "crm==1.0"],
        ),
        ("#HANDOFF_EXTRA_PACKAGES=./team-tools", []),
        ("", []),
    ],
)
def test_the_teams_packages_are_named_in_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, packages: list[str]
) -> None:
    for name in ("pyproject.toml", *environment.LOCKS["development"]):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    without = environment._stamp("runtime")
    (tmp_path / ".env").write_text(f"SLACK_BOT_TOKEN=xoxb-1\n{line}\n")
    assert environment._extra_packages() == packages
    assert (environment._stamp("runtime") != without) is bool(packages), "a change is installed"


def test_an_installation_that_breaks_off_leaves_no_word_that_the_environment_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "FOLDER", tmp_path)
    monkeypatch.setattr(environment, "PYTHON", tmp_path / "bin" / "python")
    monkeypatch.setattr(sys, "argv", ["environment", "development"])
    environment._stamp("runtime").touch()
    assert exit_code(environment.main) == 2, "there is no pip"
    assert list(tmp_path.iterdir()) == []


def test_everything_that_is_missing_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine without Docker, Chromium and PostgreSQL, where this user may install nothing."""
    for name in ("DOCKER_HOST", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PATH", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(engine, "ROOT", tmp_path)
    monkeypatch.setattr(engine, "SOCKET", tmp_path / "docker.sock")
    monkeypatch.setattr(postgres, "FOLDER", tmp_path)
    monkeypatch.setattr(environment, "FOLDER", tmp_path)
    environment._stamp("development").touch()
    monkeypatch.setattr(sys, "argv", ["setup", "development", "engine", "browser", "postgres"])
    assert exit_code(setup.main) == 2
    lines = capsys.readouterr().err.splitlines()
    begins = [
        "No Docker Engine answers here.",
        "The page tests need Chromium",
        "The database tests need Post",
    ]
    assert len(lines) == 3
    assert all(line.startswith(f"handoff set-up: {begin}") for line, begin in zip(lines, begins, strict=True))


def test_a_python_is_found_and_one_that_is_too_old_is_not_taken(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    search = ["sh", str(ROOT / "scripts" / "python")]
    found = subprocess.run(
        search, env={"PYTHON": sys.executable, "PATH": "/bin"}, capture_output=True, text=True
    )
    assert found.stdout == f"{sys.executable}\n"
    missing = subprocess.run(
        [shutil.which("sh") or "sh", search[1]], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert missing.returncode == 2
    assert "needs Python 3.11 or newer" in missing.stderr


@pytest.mark.parametrize("name", ["setup", "run", "check", "test", "soak", "lint", "bench", "format"])
def test_each_target_is_a_script_that_a_plain_shell_reads(name: str) -> None:
    script = ROOT / "scripts" / name
    assert script.read_text().startswith("#!/bin/sh\n# ")
    assert subprocess.run(["sh", "-n", str(script)], capture_output=True).returncode == 0
