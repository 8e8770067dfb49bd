"""Watches the program until it ends: output, files it opens, exit claim, time limit, output limit."""

from __future__ import annotations

import json
import os
import select
import signal
import time

from . import frames, kernel
from .inputs import NotLoaded
from .link import HostGone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .child import Child
    from .files import Tree
    from .inputs import Inputs
    from .link import Link
    from .network import Network

_TICK_SECONDS = 0.1  # how often orphans are collected and sockets counted while nothing else happens
_SOCKETS = 2048  # cgroup v1 does not count the buffers of TCP; each takes up to 50 kB
_SMALL, _REST_SECONDS = (
    4096,
    0.01,
)  # after so little, output gathers for so long: the host pays for each frame


class ProgramExit:
    """How the program ended. `status` is a value of the host's `Status`."""

    def __init__(
        self, status: str, exit_code: int | None, signal: int | None, seconds: float, problem: str
    ) -> None:
        self.status = status
        self.exit_code = exit_code
        self.signal = signal
        self.seconds = seconds
        self.problem = problem
        """Why the program was stopped, where `status` does not say it."""

    @property
    def by_itself(self) -> bool:
        """Whether the program came to an end of its own: exit, or an uncaught exception."""
        return self.status in ("ok", "error") and not self.problem


class Watch:
    """One run, from the source handed over to its ending."""

    def __init__(
        self, link: Link, child: Child, inputs: Inputs, tree: Tree, network: Network | None,
        *, timeout: float, flood_bytes: int,
    ) -> None:  # fmt: skip
        self.link = link
        self.child = child
        self.inputs = inputs
        self.tree = tree
        self.network = network
        self.timeout = timeout
        self.flood_bytes = flood_bytes
        self._printed = 0
        self._problem = ""
        self._open = {child.stdout: frames.STDOUT, child.stderr: frames.STDERR}

    def until_end(self) -> ProgramExit:
        """Pass output on until the program ends or meets a limit; then kill all processes but PID 1."""
        started, killed_before = time.monotonic(), kernel.oom_kills()
        status, code, number = self._wait(started + self.timeout)
        seconds = time.monotonic() - started
        kernel.kill_everyone_else()
        if not self._drain() and status in ("ok", "error"):
            status, code = "output_flood", None
        if status in ("error", "signal") and kernel.oom_kills() > killed_before:
            status, code, number = "oom", None, None
        return ProgramExit(status, code, number, seconds, self._problem)

    def _wait(self, deadline: float) -> tuple[str, int | None, int | None]:
        endings = {self.child.claim, os.pidfd_open(self.child.pid), self.link.reading, self.inputs.opened}
        endings |= {self.network.ready} if self.network else set()
        watched, resting = _polling(endings | self._open.keys()), _polling(endings)
        rest_end = look_at = 0.0
        while (left := deadline - (now := time.monotonic())) > 0:
            poll, longest = (resting, rest_end - now) if rest_end > now else (watched, _TICK_SECONDS)
            ready = {descriptor for descriptor, _ in poll.poll(min(left, longest) * 1000)}
            if now >= look_at:
                look_at = now + _TICK_SECONDS
                if kernel.tcp_sockets() > _SOCKETS:
                    self._problem = f"it had more than {_SOCKETS} network sockets open at once"
                    return "error", None, None
            if self.link.reading in ready and not (self.network and self.network.take(*self.link.receive())):
                raise HostGone  # without connections the host sends nothing unasked: the stream has ended
            if self.network and self.network.ready in ready:
                self.network.serve()
            if self.inputs.opened in ready:
                try:
                    self.inputs.load_opened(self.tree.loaded)
                except NotLoaded as problem:
                    self._problem = str(problem)
                    return "error", None, None
            for descriptor in ready & self._open.keys():
                before = self._printed
                if not self._pass_on(descriptor):
                    watched.unregister(descriptor)
                elif self._printed - before < _SMALL:
                    rest_end = time.monotonic() + _REST_SECONDS
            if self._printed > self.flood_bytes:
                return "output_flood", None, None
            if self.child.claim in ready:
                if (code := self._claimed()) is not None:
                    return ("ok" if code == 0 else "error"), code, None
                watched.unregister(self.child.claim)
                resting.unregister(self.child.claim)
            if (ended := kernel.reap(self.child.pid)) is not None:
                return self._exit_of(ended)
        return "timeout", None, None

    def _pass_on(self, descriptor: int) -> bool:
        """Send one chunk to the host; False when the pipe has no writer left."""
        try:
            chunk = os.read(descriptor, frames.CHUNK)
        except BlockingIOError:
            return True
        if not chunk:
            return False
        self._printed += len(chunk)
        self.link.send(self._open[descriptor], chunk)
        return True

    def _drain(self) -> bool:
        """Pass on what is left in the pipes; False when that breaks the limit."""
        for descriptor in self._open:
            before = -1
            while before != self._printed and self._printed <= self.flood_bytes:
                before = self._printed
                self._pass_on(descriptor)
        return self._printed <= self.flood_bytes

    def _claimed(self) -> int | None:
        """The exit code the child claims; None when the pipe holds nothing sensible."""
        try:
            code = json.loads(os.read(self.child.claim, 4096))["exit_code"]
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return code & 0xFF if type(code) is int else None  # Infinity is a float, and has no int

    def _exit_of(self, ended: int) -> tuple[str, int | None, int | None]:
        code = os.waitstatus_to_exitcode(ended)
        if code < 0:
            return "signal", None, -code
        return ("ok" if code == 0 else "error"), code, None


def _polling(descriptors: set[int]) -> select.poll:
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return poll


def name_of(number: int | None) -> str:
    """`SIGSEGV` for 11; the bare number where it has no name."""
    try:
        return signal.Signals(number or 0).name
    except ValueError:
        return str(number)
