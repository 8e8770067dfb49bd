"""A PostgreSQL server for tests: from the system's packages, on loopback, with a temporary data folder.

Runs as the user `postgres` where this process is root, since the server refuses to be root.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

#: Seconds that the server may take to start, with both cores busy.
_START = 60
#: A killed process loses nothing without them, and each commit and each new database takes half the time.
_FAST = ("fsync=off", "full_page_writes=off")


class Postgres:
    """One server; `stop` and `start`, `freeze` and `thaw` are for tests of what happens without it."""

    def __init__(self, folder: Path, port: int, options: Sequence[str] = ()) -> None:
        self._programs = programs()
        self._folder = folder
        self.port = port
        self._options = ("listen_addresses=127.0.0.1", "max_connections=400", *options)

    def url(self, database: str) -> str:
        return f"postgresql://handoff@127.0.0.1:{self.port}/{database}"

    def create(self, name: str = "", template: str = "template1") -> str:
        """The URL of a new database: empty, or a copy of `template`, which must have no connections."""
        name = name or f"t{uuid.uuid4().hex[:12]}"
        self.ask(self.url("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def start(self) -> None:
        options = " ".join([f"-p {self.port} -k {self._folder}", *(f"-c {one}" for one in self._options)])
        self.run(
            "pg_ctl", "-D", str(self._folder / "data"), "-l", str(self._folder / "log"), "-o", options,
            "-w", "-t", str(_START), "start",
        )  # fmt: skip

    def stop(self, how: str = "immediate") -> None:
        """`immediate` is as hard as a power cut: no goodbye to anybody, recovery at the next start."""
        self.run("pg_ctl", "-D", str(self._folder / "data"), "-w", "-m", how, "stop")

    def freeze(self) -> None:
        """As a network that swallows everything: connections stay open, and no answer comes."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, which: signal.Signals) -> None:
        main = (self._folder / "data" / "postmaster.pid").read_text().split()[0]
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for process in (main, *children):
            os.kill(int(process), which)

    def statements(self) -> int:
        """How many statements it has run, for a server with `log_statement=all`; BEGIN and COMMIT count."""
        with (self._folder / "log").open(errors="replace") as log:
            return sum("LOG:  statement:" in line or "LOG:  execute " in line for line in log)

    def ask(self, url: str, query: str) -> str:
        """One statement's result as plain text."""
        return self.run("psql", "-d", url, "-qAtc", query)

    def run(self, program: str, *arguments: str) -> str:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0 and program != "psql":
            command = ["runuser", "-u", "postgres", "--", *command]
        # pg_ctl hands its output on to the server, so a pipe would stay open as long as that runs.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, cwd="/", check=False)
            output.seek(0)
            text = output.read()
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {text}")
        return text.strip()


def programs() -> Path:
    """Where the newest installed server's programs are. Raises RuntimeError with the fix."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    if initdb := shutil.which("initdb"):
        return Path(initdb).resolve().parent
    raise RuntimeError("These tests need PostgreSQL: apt-get install postgresql (no server has to run).")


@contextmanager
def postgres(*options: str) -> Iterator[Postgres]:
    """A running server with these settings, removed with all its data at the end."""
    server, folder = _started(options)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fast_postgres() -> Iterator[Postgres]:
    """A server that does not survive a power cut, for a process that may stop and freeze it."""
    with postgres(*_FAST) as server:
        yield server


@contextmanager
def shared_postgres(folder: Path, prepare: Callable[[Postgres], object]) -> Iterator[Postgres]:
    """One server for all processes that give the same `folder`: the first starts and prepares it, the last
    stops it."""
    note = folder / "postgres"
    with (folder / "postgres.gate").open("w") as gate, (folder / "postgres.users").open("w") as users:
        with _locked(gate):
            if note.exists():
                where, port = note.read_text().split("\n")
                server = Postgres(Path(where), int(port), _FAST)
            else:
                server, data = _started(_FAST)
                prepare(server)
                note.write_text(f"{data}\n{server.port}")
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield server
        finally:
            with _locked(gate):
                if _is_last(users):
                    server.stop()
                    shutil.rmtree(note.read_text().split("\n")[0], ignore_errors=True)
                    note.unlink()


@contextmanager
def _locked(file: IO[str]) -> Iterator[None]:
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _is_last(users: IO[str]) -> bool:
    """Whether no other process holds the lock, which a process that dies gives back."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(users, fcntl.LOCK_UN)
        return False
    return True


def _started(options: Sequence[str]) -> tuple[Postgres, Path]:
    folder = Path(tempfile.mkdtemp(prefix="handoff-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        server = Postgres(folder, free_port(), options)
        server.run(
            "initdb", "-D", str(folder / "data"), "-U", "handoff", "-A", "trust", "-E", "UTF8", "--no-sync"
        )
        server.start()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return server, folder


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
