"""The container settings of a sandbox: user, mounts, limits, seccomp profile."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from sandbox.limits import MIB, SandboxLimits

#: User ids of containers: systemd's range for services with a user of their own, below the 65,536 ids that
#: a user namespace of the engine usually has.
UIDS = range(61_184, 65_520)
#: Smallest, first and largest buffer of a TCP socket, in bytes. cgroup v1 leaves them out of the memory
#: limit, and runc 1.1 ignores KernelMemoryTCP. The supervisor bounds how many sockets there are.
_TCP_BUFFER = "4096 16384 32768"
_TIOCSTI = 0x5412
#: SO_SNDBUF and SO_RCVBUF, which would make buffers larger. Other levels have no option of use under 7 or 8.
_BUFFER_OPTIONS = (7, 8)
#: How many threads or processes these libraries start by themselves.
_THREADS = (
    "PYTHON_CPU_COUNT",
    "LOKY_MAX_CPU_COUNT",
    "NUMEXPR_MAX_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


@cache
def seccomp_profile() -> str:
    """The seccomp profile as JSON, without the comments that the file has."""
    profile = json.loads(files("sandbox").joinpath("seccomp.json").read_text("utf-8"))
    del profile["comment"]
    for rule in profile["syscalls"]:
        del rule["comment"]
    profile["syscalls"] += _all_but("ioctl", 1, _TIOCSTI)
    profile["syscalls"] += _all_but("setsockopt", 2, *_BUFFER_OPTIONS)
    return json.dumps(profile, separators=(",", ":"))


def _all_but(name: str, index: int, *refused: int) -> list[dict[str, Any]]:
    """Rules that allow a system call unless 32 bits of the argument at `index` are one of `refused`.

    A rule for each prefix that no refused value has: the kernel ignores the upper half of these arguments,
    and a filter's "not equal" does not.
    """
    siblings = {(bit, value >> bit ^ 1) for value in refused for bit in range(32)}
    prefixes = [(b, p) for b, p in sorted(siblings) if all(value >> b != p for value in refused)]
    return [
        {
            "names": [name],
            "action": "SCMP_ACT_ALLOW",
            "args": [
                {
                    "index": index,
                    "value": 0xFFFFFFFF >> bit << bit,
                    "valueTwo": prefix << bit,
                    "op": "SCMP_CMP_MASKED_EQ",
                }
            ],
        }
        for bit, prefix in prefixes
    ]


def container_settings(
    limits: SandboxLimits,
    *,
    image: str,
    flavour: str,
    labels: Mapping[str, str],
    uid: int = UIDS[0],
) -> dict[str, Any]:
    """The body of the engine's create request, without what the transport adds.

    `uid` is the container's own, so that what the kernel counts by user (descriptors in flight, pending
    signals, locked memory) is not shared.
    """
    return {
        "Image": image,
        "Env": [f"{name}={max(1, math.floor(limits.cpus))}" for name in _THREADS],
        "Cmd": [flavour],
        "User": f"{uid}:{uid}",
        "Hostname": "sandbox",
        "WorkingDir": "/work",
        "Labels": dict(labels),
        "NetworkDisabled": True,
        "HostConfig": _host(limits, uid),
    }


def _host(limits: SandboxLimits, uid: int) -> dict[str, Any]:
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
        "Sysctls": {"net.ipv4.tcp_rmem": _TCP_BUFFER, "net.ipv4.tcp_wmem": _TCP_BUFFER},
        "Tmpfs": _mounts(limits, uid),
        "Ulimits": [
            # 1 and not 0: a core handler behind a pipe gets the core whatever the limit is, but for 1.
            {"Name": "core", "Soft": 1, "Hard": 1},
            {"Name": "nofile", "Soft": limits.nofile, "Hard": limits.nofile},
        ],
    }
    return settings | ({"Runtime": limits.runtime} if limits.runtime else {})


def _mounts(limits: SandboxLimits, uid: int) -> dict[str, str]:
    shared = max(limits.tmp_mb, limits.memory_mb // 2)
    own = f"rw,nosuid,nodev,mode=0700,uid={uid},gid={uid}"
    return {
        # Programs compile and run things in /work, so it alone is not noexec.
        "/work": f"{own},exec,size={limits.work_mb}m,nr_inodes={limits.inodes}",
        "/tmp": f"{own},noexec,size={limits.tmp_mb}m,nr_inodes={limits.inodes}",
        # multiprocessing keeps its locks here and joblib its arrays; IpcMode none does not mount it.
        "/dev/shm": f"{own},noexec,size={shared}m,nr_inodes={limits.inodes}",
        # In the place of devpts, whose ptys are the whole machine's.
        "/dev/pts": "ro,nosuid,nodev,noexec,mode=0555,size=4k,nr_inodes=1",
    }
