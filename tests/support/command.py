"""`handoff` commands in processes of their own, forked from one that has imported everything already.

To start the interpreter and import all costs two seconds of a core, a fork some milliseconds, and the
tests start dozens. `test_cli.py` runs the command without this.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO

from scripts.steps import ROOT

#: What `serve`, `play`, `doctor` and `tasks` import before they are ready.
_PRELOADED = [
    "aiosqlite", "alembic.command", "asyncpg", "bot.checks.doctor", "bot.cli", "bot.server", "mcp",
    "openai.resources", "playground", "psycopg", "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.sqlite.aiosqlite",
]  # fmt: skip
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(_PRELOADED)


class Command:
    """A `handoff` that runs; its methods are those of `asyncio.subprocess.Process`."""

    def __init__(
        self, process: BaseProcess, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader
    ) -> None:
        self.stdout, self.stderr = stdout, stderr
        self._process = process

    @property
    def returncode(self) -> int | None:
        """Its exit code, minus the signal's number where one killed it, None while it runs."""
        return self._process.exitcode

    def send_signal(self, which: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, which)

    def cpu(self) -> float:
        """Seconds of CPU that it has taken, in its own code and in the system's for it."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        assert self.returncode is not None
        return self.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        """What it has yet to write to stdout and stderr, once it has ended."""
        out, err = await asyncio.gather(self.stdout.read(), self.stderr.read())
        await self.wait()
        return out, err


async def start_command(
    *words: str,
    environment: Mapping[str, str],
    folder: Path = ROOT,
    stdin: bytes = b"",
    log: IO[bytes] | None = None,
) -> Command:
    """Start `handoff WORDS` in `folder`, with this environment alone and `stdin` (at most 64 KiB) to read.

    It writes to the file `log`, or where there is none to `stdout` and `stderr` of what this returns.
    """
    outputs, readers = [], []
    for _ in range(2):
        reading, writing = _FORKS.Pipe(duplex=False)
        if log is not None:
            writing.close()
            writing = Connection(os.dup(log.fileno()), readable=False)
        outputs.append(writing)
        readers.append(await _reader(reading))
    given, giving = _FORKS.Pipe(duplex=False)
    arguments = (words, dict(environment), str(folder), given, *outputs)
    process = _FORKS.Process(target=_run, args=arguments, daemon=True)
    process.start()
    for connection in (given, *outputs):
        connection.close()
    with giving:
        os.write(giving.fileno(), stdin)
    return Command(process, *readers)


def start_function(function: Callable[..., object], *arguments: object) -> BaseProcess:
    """Call a module's function in a process of its own, forked like the commands."""
    process = _FORKS.Process(target=function, args=arguments, daemon=True)
    process.start()
    return process


async def _reader(pipe: Connection) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    file = os.fdopen(os.dup(pipe.fileno()), "rb")  # the transport closes it
    pipe.close()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, file)
    return reader


def _run(words: Sequence[str], environment: Mapping[str, str], folder: str, *streams: Connection) -> None:
    """Be the command, in the forked process: what the interpreter's start would do, and `main`."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["handoff", *words]
    from bot.cli import main

    raise SystemExit(main())
