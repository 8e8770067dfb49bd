"""Transports to a container's supervisor: the engine's attach stream, or a unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from sandbox.engine import DockerEngine
from sandbox.errors import ContainerLost, EngineRefused
from sandbox.owner import Owner
from sandbox.stream import FrameStream

_log = logging.getLogger(__name__)
_INSIDE = "/run/handoff"
_PREFIX = "handoff-sockets-"
_BETWEEN = "~"
_CONNECT_SECONDS = 15  # from the start to the supervisor's connect; usually a tenth


class Opening(Protocol):
    """The connection to one container, while it is set up."""

    settings: dict[str, Any]
    """Create the container from these."""

    async def start(self, identity: str) -> FrameStream:
        """Start the created container and return its stream."""


class Transport(Protocol):
    """Connects to containers."""

    def opening(self, settings: dict[str, Any]) -> contextlib.AbstractAsyncContextManager[Opening]:
        """Set up for one container; files that only the set-up needs are removed at the end."""

    def close(self) -> None:
        """Remove all files."""


class AttachTransport:
    """Frames over the supervisor's stdin and stdout. Works with any engine, remote ones too."""

    def __init__(self, engine: DockerEngine, _owner: Owner) -> None:
        self._engine = engine

    @contextlib.asynccontextmanager
    async def opening(self, settings: dict[str, Any]) -> AsyncIterator[Opening]:
        streams = dict.fromkeys(
            ("AttachStdin", "AttachStdout", "AttachStderr", "OpenStdin", "StdinOnce"), True
        )
        yield _AttachOpening(self._engine, settings | streams)

    def close(self) -> None:
        """There are no files."""


class _AttachOpening:
    def __init__(self, engine: DockerEngine, settings: dict[str, Any]) -> None:
        self.settings = settings
        self._engine = engine

    async def start(self, identity: str) -> FrameStream:
        stream = await FrameStream.over(await self._engine.attach(identity), mixed=True)
        try:
            await self._engine.start(identity)
        except BaseException:
            stream.close()
            raise
        return stream


class SocketTransport:
    """The supervisor connects to a socket that is bind-mounted into its container alone.

    Faster than attach, passes file descriptors, and a running call survives a restart of the engine. Needs an
    engine that sees this process's files: on this machine, and not from inside another container.
    """

    def __init__(self, engine: DockerEngine, owner: Owner) -> None:
        self._engine = engine
        self._numbers = count(1)
        # Mode 0700: other users of this machine must not connect and read a job.
        self._folder = Path(tempfile.gettempdir(), f"{_PREFIX}{owner.label}{_BETWEEN}{owner.birth}")
        self._folder.mkdir(mode=0o700)
        _sweep_folders()

    @contextlib.asynccontextmanager
    async def opening(self, settings: dict[str, Any]) -> AsyncIterator[Opening]:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        try:
            with socket.socket(socket.AF_UNIX) as listening:
                listening.setblocking(False)
                listening.bind(str(folder / "s"))
                # The program runs as another user; the folder above keeps everyone else out.
                folder.chmod(0o755)
                (folder / "s").chmod(0o666)
                listening.listen(1)
                yield _SocketOpening(self._engine, _mounting(settings, folder), listening)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove the sockets' folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


class AutoTransport:
    """The unix socket if the engine is local and the first container connects; else the attach stream."""

    def __init__(self, engine: DockerEngine, owner: Owner) -> None:
        self._attach = AttachTransport(engine, owner)
        self._socket: SocketTransport | None = None
        self._proven = False
        try:
            self._socket = SocketTransport(engine, owner) if engine.local else None
        except OSError as error:
            _log.info("using the attach stream for containers, no folder for sockets: %s", error)

    @contextlib.asynccontextmanager
    async def opening(self, settings: dict[str, Any]) -> AsyncIterator[Opening]:
        try:
            async with (self._socket or self._attach).opening(settings) as opening:
                yield opening
            self._proven = True
        except (ContainerLost, EngineRefused, OSError) as error:
            if self._socket is not None and not self._proven:
                _log.info("using the attach stream for containers from now on: %s", error)
                self.close()
            raise

    def close(self) -> None:
        """Close the unix socket transport."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _SocketOpening:
    def __init__(self, engine: DockerEngine, settings: dict[str, Any], listening: socket.socket) -> None:
        self.settings = settings
        self._engine = engine
        self._listening = listening

    async def start(self, identity: str) -> FrameStream:
        await self._engine.start(identity)
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await _readable(self._listening)
        except TimeoutError:
            raise ContainerLost(f"The container did not connect within {_CONNECT_SECONDS} s.") from None
        # Not loop.sock_accept: a start that is cancelled just then would lose the accepted socket.
        connected, _ = self._listening.accept()
        return await FrameStream.over(connected, mixed=False)


async def _readable(waiting: socket.socket) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(waiting, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(waiting)


def _mounting(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    # A mount, not a bind string: for a bind string the engine creates a missing folder on its own machine.
    mount = {"Type": "bind", "Source": str(folder), "Target": _INSIDE, "ReadOnly": True}
    return settings | {
        "Cmd": [*settings["Cmd"], f"{_INSIDE}/s"],
        "HostConfig": settings["HostConfig"] | {"Mounts": [mount]},
    }


def _sweep_folders() -> None:
    """Remove the folders of owners that died without `close`."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*{_BETWEEN}*"):
        label, _, birth = folder.name.removeprefix(_PREFIX).partition(_BETWEEN)
        if Owner(label, birth).dead:
            shutil.rmtree(folder, ignore_errors=True)
