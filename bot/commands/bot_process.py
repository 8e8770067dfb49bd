"""The playground's bot as a process of its own, which a person may kill: it is started again at once.

The parent writes lines of JSON to the bot's stdin and keeps the pipe open: the changes to its settings, then
how many seconds its clock is ahead, each time that changes. When the pipe closes, the parent is gone, and the
bot ends as if it were killed too.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import RawIOBase
from typing import Any

from bot.settings import Settings


class BotProcess:
    """`handoff play --bot`, a `playground.slack.local_bot.LocalBot`."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._process: Process | None = None

    async def run(self, changes: Mapping[str, Any]) -> int:
        """Keep a bot running with changes to the settings; their keys are fields of `Settings`. A signal's
        victim is replaced; an exit code of the bot's own is returned."""
        try:
            while True:
                self._process = await self._start(changes)
                if (code := await self._process.wait()) >= 0:
                    return code
        finally:
            await self._end()

    def kill(self) -> None:
        """Send SIGKILL to the bot that runs now, if any."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    def set_clock(self, ahead: float) -> None:
        """Set the clock of its standing orders `ahead` seconds before the real one."""
        self._ahead = ahead
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(_line(ahead))

    async def _start(self, changes: Mapping[str, Any]) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", "play", "--bot", stdin=asyncio.subprocess.PIPE
        )
        assert process.stdin is not None
        process.stdin.write(_line(dict(changes)) + _line(self._ahead))
        return process

    async def _end(self) -> None:
        """Let the bot end its tasks in order."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            await self._process.wait()


async def run_bot(settings: Settings) -> int:
    """Be that process: run the bot with the changes from stdin until it ends."""
    from bot.server import BotServer

    lines = os.fdopen(sys.stdin.fileno(), "rb", buffering=0, closefd=False)
    changes, clock = json.loads(lines.readline()), ClockAhead()
    threading.Thread(target=_follow, args=[lines, clock], daemon=True, name="parent").start()
    changed = Settings(**{**settings.model_dump(exclude_unset=True), **changes})
    async with BotServer(changed, clock=clock) as server:
        await server.engine.ended()
    return 1


@dataclass
class ClockAhead:
    """The time in seconds since 1970, `ahead` seconds too late."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _follow(lines: RawIOBase, clock: ClockAhead) -> None:
    """Set the clock as the parent says, and die with it. `lines` is unbuffered: a thread that waits
    in a buffered read would hold its lock at the exit."""
    while line := lines.readline():
        clock.ahead = float(json.loads(line))
    os.kill(os.getpid(), signal.SIGKILL)
