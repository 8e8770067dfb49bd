"""The container settings of a sandbox: user, mounts, limits, seccomp profile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from sandbox.limits import MIB, SandboxLimits

NOBODY = "65534:65534"
_MOUNT = "rw,nosuid,nodev,mode=0700,uid=65534,gid=65534"


@cache
def seccomp_profile() -> str:
    """The seccomp profile as JSON, without the comments that the file has."""
    profile = json.loads(files("sandbox").joinpath("seccomp.json").read_text("utf-8"))
    del profile["comment"]
    for rule in profile["syscalls"]:
        del rule["comment"]
    return json.dumps(profile, separators=(",", ":"))


def container_settings(
    limits: SandboxLimits, *, image: str, flavour: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    """The body of the engine's create request, without what the transport adds."""
    return {
        "Image": image,
        "Cmd": [flavour],
        "User": NOBODY,
        "Hostname": "sandbox",
        "WorkingDir": "/work",
        "Labels": dict(labels),
        "NetworkDisabled": True,
        "HostConfig": _host(limits),
    }


def _host(limits: SandboxLimits) -> dict[str, Any]:
    memory = limits.memory_mb * MIB
    settings = {
        "AutoRemove": True,
        "CapDrop": ["ALL"],
        "Init": False,
        "IpcMode": "none",
        "LogConfig": {"Type": "none"},
        "Memory": memory,
        "MemorySwap": memory,
        "NanoCpus": int(limits.cpus * 1e9),
        "NetworkMode": "none",
        "OomScoreAdj": 500,
        "PidsLimit": limits.pids,
        "ReadonlyRootfs": True,
        "SecurityOpt": ["no-new-privileges:true", f"seccomp={seccomp_profile()}"],
        "Tmpfs": _mounts(limits),
        "Ulimits": [
            {"Name": "core", "Soft": 0, "Hard": 0},
            {"Name": "nofile", "Soft": limits.nofile, "Hard": limits.nofile},
        ],
    }
    return settings | ({"Runtime": limits.runtime} if limits.runtime else {})


def _mounts(limits: SandboxLimits) -> dict[str, str]:
    return {
        # Programs compile and run things in /work, so it alone is not noexec.
        "/work": f"{_MOUNT},exec,size={limits.work_mb}m,nr_inodes={limits.inodes}",
        "/tmp": f"{_MOUNT},noexec,size={limits.tmp_mb}m,nr_inodes={limits.inodes}",
        # multiprocessing keeps its locks here, and IpcMode none does not mount it.
        "/dev/shm": f"{_MOUNT},noexec,size={limits.tmp_mb}m,nr_inodes={limits.inodes}",
    }
