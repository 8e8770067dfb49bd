"""Processes of the real `handoff serve` that tests kill, freeze and thaw by signals."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from tests.support.command import Command, start_command

#: Seconds that a process may take to say that it is ready, with both cores busy.
START = 60
_READY = re.compile(rb'"event": "ready"|ready ')


class Process:
    """One `handoff serve`. An async context manager: it is ready inside, and gone after. `on_break` is told
    just before it is killed, frozen or thawed."""

    def __init__(
        self, name: str, settings: Mapping[str, str], on_break: Callable[[], object] = lambda: None
    ) -> None:
        self.name = name
        self._on_break = on_break
        inherited = {key: os.environ[key] for key in ("PATH", "HOME", "DOCKER_HOST") if key in os.environ}
        self._environment = {**inherited, **settings}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this
        self._process: Command | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_up:
            self.thaw()
            await self.kill()
        if kind is not None:
            print(f"--- the log of {self.name} ---\n{self.log}", file=sys.stderr)
        self.close()

    def close(self) -> None:
        """Forget the log."""
        self._log.close()

    async def start(self) -> None:
        """Start it and return when it is ready. Raises AssertionError with its log when it is not."""
        seen = os.fstat(self._log.fileno()).st_size
        self._process = await start_command("serve", environment=self._environment, log=self._log)
        for _ in range(START * 20):
            if _READY.search(os.pread(self._log.fileno(), 1 << 24, seen)):
                return
            assert self._process.returncode is None, self.log
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.name} is not ready after {START} s:\n{self.log}")

    async def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        """Ends it, by SIGKILL by default. Returns its exit code."""
        assert self._process is not None
        self._on_break()
        self._process.send_signal(how)
        return await self._process.wait()

    async def ended(self) -> int:
        """Wait until it ends by itself; returns its exit code."""
        assert self._process is not None
        return await self._process.wait()

    def freeze(self) -> None:
        assert self._process is not None
        self._on_break()
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._on_break()
        self._process.send_signal(signal.SIGCONT)

    @property
    def is_up(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def cpu(self) -> float:
        """Seconds of CPU that it has taken since its start."""
        assert self._process is not None
        return self._process.cpu()

    @property
    def log(self) -> str:
        return os.pread(self._log.fileno(), 1 << 26, 0).decode(errors="replace")

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of its log about an event, oldest first."""
        lines = [line for line in self.log.splitlines() if f'"event": "{event}"' in line]
        return [json.loads(line) for line in lines if line.endswith("}")]
