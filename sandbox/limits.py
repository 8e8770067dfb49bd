"""The limits of a sandbox, with safe defaults."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxLimits:
    """What one container may use. Each field is the setting `HANDOFF_SANDBOX_<FIELD>`."""

    memory_mb: int = 1024
    """MiB of memory, swap none; files in `/work`, `/tmp`, `/dev/shm` count. Status when reached: `oom`."""
    cpus: float = 1.0
    """Processor time in cores; a program that wants more runs slower."""
    pids: int = 64
    """Processes and threads; a further fork fails with `EAGAIN`."""
    timeout_seconds: float = 120
    """Wall clock of one program; then all its processes are killed: status `timeout`."""
    output_bytes: int = 64 * 1024
    """Bytes kept as text of stdout, and again of stderr, head and tail; the whole comes back as a file."""
    flood_bytes: int = 16 * MIB
    """Bytes of stdout and stderr together; then the program is stopped: status `output_flood`."""
    code_bytes: int = MIB
    """Bytes of source; a longer program is refused before anything runs: status `error`."""
    work_mb: int = 256
    """MiB of `/work`; a further write fails with `ENOSPC`."""
    tmp_mb: int = 64
    """MiB of `/tmp`, and again of `/dev/shm`; a further write fails with `ENOSPC`."""
    inodes: int = 16_384
    """Files and folders in `/work`, and again in `/tmp`; a further one fails with `ENOSPC`."""
    nofile: int = 1024
    """Open files of one process; a further open fails with `EMFILE`."""
    input_bytes: int = 128 * MIB
    """Bytes of all files put into `/work`; more are refused before anything runs: status `error`."""
    input_count: int = 1000
    """Number of files put into `/work`; more are refused as above."""
    artifact_bytes: int = 32 * MIB
    """Bytes of one file taken out; a larger one stays behind and a note says so."""
    artifacts_bytes: int = 64 * MIB
    """Bytes of all files taken out of one run; what does not fit stays behind and a note says so."""
    artifacts_count: int = 100
    """Number of files taken out of one run; further ones stay behind and a note says so."""
    state_bytes: int = 32 * MIB
    """Bytes of the variables carried to a worker's next call, pickled; a note names what does not fit."""
    runtime: str = ""
    """The engine's runtime (`runsc`, `kata-runtime`); empty: the engine's default."""
