"""The playground's bot as a process of its own, which a person may kill: it is started again at once.

The parent writes one line of JSON to the bot's stdin, the changes to its settings, and keeps the pipe open.
When the pipe closes, the parent is gone, and the bot ends as if it were killed too.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from bot.settings import Settings


class BotProcess:
    """`handoff play --bot` with these changes to the settings; their keys are fields of `Settings`."""

    def __init__(self, changes: Mapping[str, Any]) -> None:
        self._changes = json.dumps(dict(changes)).encode() + b"\n"
        self._process: Process | None = None

    async def run(self) -> int:
        """Keep a bot running. A signal's victim is replaced; an exit code of the bot's own is returned."""
        try:
            while True:
                self._process = await self._start()
                if (code := await self._process.wait()) >= 0:
                    return code
        finally:
            await self._end()

    def kill(self) -> None:
        """Send SIGKILL to the bot that runs now, if any."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _start(self) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", "play", "--bot", stdin=asyncio.subprocess.PIPE
        )
        assert process.stdin is not None
        process.stdin.write(self._changes)
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

    changes = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_die_with_parent, daemon=True, name="parent").start()
    async with BotServer(Settings(**{**settings.model_dump(exclude_unset=True), **changes})) as server:
        await server.engine.ended()
    return 1


def _die_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGKILL)
