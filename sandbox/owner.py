"""Container ownership by labels, and removal of containers whose process has died."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.engine import LABEL, DockerEngine

FLAVOUR_LABEL = f"{LABEL}.flavour"
_BIRTH_LABEL = f"{LABEL}.birth"
_NEVER_STARTED_SECONDS = 3600
"""A container that waits for its start for so long has lost its owner, wherever that ran."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that a container belongs to: host, PID namespace, process id and start time.

    A bot in a container with the network of its host has the host's name, and other process ids.
    """

    label: str
    birth: str

    @classmethod
    def this_process(cls) -> Owner:
        """A new owner; each `Sandbox` of a process is an owner of its own."""
        return cls(f"{_machine()}-{os.getpid()}-{secrets.token_hex(4)}", _birth(os.getpid()))

    @classmethod
    def of(cls, container: dict[str, Any]) -> Owner:
        """The owner in a container's labels."""
        labels = container.get("Labels") or {}
        return cls(str(labels.get(LABEL, "")), str(labels.get(_BIRTH_LABEL, "")))

    def labels(self, flavour: str) -> dict[str, str]:
        """The labels of its containers."""
        return {LABEL: self.label, _BIRTH_LABEL: self.birth, FLAVOUR_LABEL: flavour}

    @property
    def dead(self) -> bool:
        """Whether its process has ended. False for a process that can't be seen from here."""
        machine, pid, _ = (*self.label.rsplit("-", 2), "", "")[:3]
        if machine != _machine() or not pid.isdigit():
            return False
        return _birth(int(pid)) != self.birth


async def sweep(engine: DockerEngine, *, everything: bool = False) -> int:
    """Remove the containers of dead owners, or of all owners; returns how many."""
    left = [one for one in await engine.listed() if everything or Owner.of(one).dead or _forgotten(one)]
    for found in left:
        await engine.remove(str(found["Id"]))
    return len(left)


async def remove_all(engine: DockerEngine, owner: Owner) -> None:
    """Remove the containers of one owner."""
    left = [str(found["Id"]) for found in await engine.listed() if Owner.of(found).label == owner.label]
    for fault in await asyncio.gather(*map(engine.remove, left), return_exceptions=True):
        if fault is not None:
            raise fault


def _forgotten(container: dict[str, Any]) -> bool:
    age = time.time() - int(container.get("Created", time.time()))
    return container.get("State") == "created" and age > _NEVER_STARTED_SECONDS


def _machine() -> str:
    """Host and PID namespace, short enough for a path of a socket."""
    try:
        namespace = f"-{Path('/proc/self/ns/pid').stat().st_ino:x}"
    except OSError:
        namespace = ""
    return f"{socket.gethostname()[:32]}{namespace}"


def _birth(pid: int) -> str:
    """Start time of a process in clock ticks since boot; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return _birth_without_proc(pid)


def _birth_without_proc(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "" if Path("/proc/self/stat").exists() else "alive"
