"""Kernel interfaces that the `os` module lacks."""

# ruff: noqa: PTH123
from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal

_PR_SET_DUMPABLE = 4
_OOM_COUNTERS = ("/sys/fs/cgroup/memory/memory.oom_control", "/sys/fs/cgroup/memory.events")


def set_dumpable(allowed: bool) -> None:
    """Whether other processes of this user may trace this one and read its `/proc` entries."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, int(allowed), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE) was refused")


def trim_memory() -> None:
    """Give freed memory back to the kernel, where the C library can: 2 MB after pandas is warm."""
    with contextlib.suppress(AttributeError):  # musl has no such call
        ctypes.CDLL(None).malloc_trim(0)


def forget_signals() -> None:
    """Take Python's own handler away: the kernel drops signals PID 1 has no handler for."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def die_first() -> None:
    """Under memory pressure this process is chosen before the supervisor."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # some runtimes have no such file; then the order is theirs


def wake_on_lease_break() -> int:
    """A descriptor that becomes readable when a process opens a file that this one has a lease on."""
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGIO, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def lease(descriptor: int) -> bool:
    """Take a write lease on an open file; False where the kernel or the runtime has none."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError:
        return False
    return True


def lease_holds(descriptor: int) -> bool:
    """False once a process waits to open the file."""
    return fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_WRLCK


def lease_break_seconds() -> float:
    """How long the kernel holds an open(2) back before it breaks the lease by force."""
    with contextlib.suppress(OSError, ValueError), open("/proc/sys/fs/lease-break-time") as seconds:
        return float(seconds.read())
    return 45.0


def kill_everyone_else() -> None:
    """SIGKILL to every process of the container but this one."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)


def reap(child: int) -> int | None:
    """Collect every ended process; the wait status of `child` when it was among them."""
    status = None
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == child:
            status = ended


def tcp_sockets() -> int:
    """TCP sockets of this container, those that no process has accepted yet included; 0 if unknown."""
    count = 0
    for table in ("/proc/net/sockstat", "/proc/net/sockstat6"):
        with contextlib.suppress(OSError, ValueError, IndexError), open(table) as lines:
            count += sum(int(line.split()[2]) for line in lines if line.startswith("TCP"))
    return count


def oom_kills() -> int:
    """How many processes of this container the kernel has killed for memory; 0 where it does not say."""
    for counter in _OOM_COUNTERS:
        with contextlib.suppress(OSError, ValueError), open(counter) as lines:
            for line in lines:
                word, _, number = line.partition(" ")
                if word == "oom_kill":
                    return int(number)
    return 0
