"""A PostgreSQL of the tests' own: real, from the system's packages, on loopback, its data folder thrown away.

Runs as the user `postgres` where this process is root, since the server refuses to be root. Never touches a
server that runs already.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

#: Seconds that the server may take to start, with both cores busy.
_START = 60


class Postgres:
    """One server; `stop` and `start`, `freeze` and `thaw` are for tests of what happens without it."""

    def __init__(self, programs: Path, folder: Path, port: int) -> None:
        self._programs = programs
        self._folder = folder
        self._port = port

    def url(self, database: str) -> str:
        return f"postgresql://handoff@127.0.0.1:{self._port}/{database}"

    def create(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self.run("psql", *self._address, "-d", "postgres", "-qc", f"CREATE DATABASE {name}")
        return self.url(name)

    def start(self) -> None:
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
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

    def ask(self, url: str, query: str) -> str:
        """One statement's result as plain text."""
        return self.run("psql", "-d", url, "-Atc", query)

    def run(self, program: str, *arguments: str) -> str:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        # pg_ctl hands its output on to the server, so a pipe would stay open as long as that runs.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, cwd="/", check=False)
            output.seek(0)
            text = output.read()
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {text}")
        return text.strip()

    @property
    def _address(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self._port), "-U", "handoff"]


def programs() -> Path:
    """Where the newest installed server's programs are. Raises RuntimeError with the fix."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    if initdb := shutil.which("initdb"):
        return Path(initdb).resolve().parent
    raise RuntimeError("These tests need PostgreSQL: apt-get install postgresql (no server has to run).")


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running server, removed with all its data at the end."""
    folder = Path(tempfile.mkdtemp(prefix="handoff-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = Postgres(programs(), folder, _free_port())
    try:
        server.run("initdb", "-D", str(folder / "data"), "-U", "handoff", "-A", "trust", "-E", "UTF8")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
