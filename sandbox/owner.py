"""Whose container is it, and is that process still alive? Sweeps what a dead one left, nothing else."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.engine import LABEL, DockerEngine

FLAVOUR_LABEL = f"{LABEL}.flavour"
_BIRTH_LABEL = f"{LABEL}.birth"


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that makes sandboxes: host, process id, and what tells it from a later one of the same id."""

    label: str
    birth: str

    @classmethod
    def this_process(cls) -> Owner:
        """A new owner for this process; two sandboxes of one process are two owners."""
        return cls(f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}", _birth(os.getpid()))

    @classmethod
    def of(cls, container: dict[str, Any]) -> Owner:
        """The owner a listed container names."""
        labels = container.get("Labels") or {}
        return cls(str(labels.get(LABEL, "")), str(labels.get(_BIRTH_LABEL, "")))

    def labels(self, flavour: str) -> dict[str, str]:
        """What its containers carry."""
        return {LABEL: self.label, _BIRTH_LABEL: self.birth, FLAVOUR_LABEL: flavour}

    @property
    def dead(self) -> bool:
        """Known to be dead. An owner on another machine can't be asked and so is never called dead."""
        host, pid, _ = (*self.label.rsplit("-", 2), "", "")[:3]
        if host != socket.gethostname() or not pid.isdigit():
            return False
        return _birth(int(pid)) != self.birth


async def sweep(engine: DockerEngine, *, everything: bool = False) -> int:
    """Remove the containers of dead owners, or of all owners; how many it were."""
    left = [found for found in await engine.listed() if everything or Owner.of(found).dead]
    for found in left:
        await engine.remove(str(found["Id"]))
    return len(left)


async def remove_all(engine: DockerEngine, owner: Owner) -> None:
    """Remove what one owner has."""
    left = [str(found["Id"]) for found in await engine.listed() if Owner.of(found).label == owner.label]
    for fault in await asyncio.gather(*map(engine.remove, left), return_exceptions=True):
        if fault is not None:
            raise fault


def _birth(pid: int) -> str:
    """When the process started, in the kernel's ticks since boot; empty when there is no such process."""
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
