"""The limits of a sandbox: safe defaults, the bounds of the settings, and what happens at each limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxLimits:
    """What one container may use. Each field is the setting `HANDOFF_SANDBOX_<FIELD>`."""

    memory_mb: Annotated[int, Field(ge=64, le=1_048_576)] = 1024
    """MiB of memory, swap none; files in `/work`, `/tmp`, `/dev/shm` count. Status when reached: `oom`."""
    cpus: Annotated[float, Field(ge=0.1, le=256)] = 1.0
    """Processor time in cores; a program that wants more runs slower."""
    pids: Annotated[int, Field(ge=8, le=4096)] = 64
    """Processes and threads; a further fork fails with `EAGAIN`."""
    timeout_seconds: Annotated[float, Field(ge=1, le=86_400)] = 120
    """Wall clock of one program; then all its processes are killed: status `timeout`."""
    output_bytes: Annotated[int, Field(ge=1024, le=16 * MIB)] = 64 * 1024
    """Bytes kept as text of stdout, and again of stderr, head and tail; the whole comes back as a file."""
    flood_bytes: Annotated[int, Field(ge=65_536, le=1024 * MIB)] = 16 * MIB
    """Bytes of stdout and stderr together; then the program is stopped: status `output_flood`."""
    code_bytes: Annotated[int, Field(ge=1024, le=16 * MIB)] = MIB
    """Bytes of source; a longer program is refused before anything runs: status `error`."""
    work_mb: Annotated[int, Field(ge=1, le=1_048_576)] = 256
    """MiB of `/work`; a further write fails with `ENOSPC`."""
    tmp_mb: Annotated[int, Field(ge=1, le=1_048_576)] = 64
    """MiB of `/tmp`; a further write fails with `ENOSPC`. `/dev/shm` has as much, or half of the memory."""
    inodes: Annotated[int, Field(ge=64, le=10_000_000)] = 16_384
    """Files and folders in `/work`, and again in `/tmp`; a further one fails with `ENOSPC`."""
    nofile: Annotated[int, Field(ge=64, le=1_048_576)] = 1024
    """Open files of one process; a further open fails with `EMFILE`."""
    input_bytes: Annotated[int, Field(ge=0, le=16_384 * MIB)] = 128 * MIB
    """Bytes of all files put into `/work`; more are refused before anything runs: status `error`."""
    input_count: Annotated[int, Field(ge=0, le=100_000)] = 1000
    """Number of files put into `/work`; more are refused as above."""
    artifact_bytes: Annotated[int, Field(ge=0, le=16_384 * MIB)] = 32 * MIB
    """Bytes of one file taken out; a larger one stays behind and a note says so."""
    artifacts_bytes: Annotated[int, Field(ge=0, le=16_384 * MIB)] = 64 * MIB
    """Bytes of all files taken out of one run; what does not fit stays behind and a note says so."""
    artifacts_count: Annotated[int, Field(ge=0, le=100_000)] = 1000
    """Number of files taken out of one run; further ones stay behind and a note says so."""
    state_bytes: Annotated[int, Field(ge=1024, le=1024 * MIB)] = 32 * MIB
    """Bytes of the variables carried to a worker's next call, pickled; a note names what does not fit."""
    runtime: str = ""
    """Container runtime, such as `runsc` or `kata-runtime`. Empty: the engine's default."""


@dataclass(frozen=True, kw_only=True)  # no slots: `Sandbox` takes the defaults from the class
class PoolLimits:
    """How many containers a process may have, and an engine."""

    ready: Annotated[int, Field(ge=0, le=256)] = 2
    """Containers kept ready."""
    most: Annotated[int, Field(ge=1, le=1024)] = 8
    """Containers at the same time, including ready ones; people and tasks take turns for them."""
    engine_max: Annotated[int, Field(ge=0, le=4096)] = 0
    """Containers at the same time on one Docker Engine, those of other bots included; a further one waits.
    0: twice `HANDOFF_SANDBOX_MAX`, so that a new bot can start while the old one ends."""
    queue_seconds: Annotated[float, Field(ge=0, le=86_400)] = 60
    """Longest wait for a free container, in seconds beyond the longest program."""
