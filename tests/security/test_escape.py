"""Programs that reach for what is not theirs: network, host, kernel, supervisor. Needs Docker.

Every attack prints one word per attempt, `refused` when the kernel or the engine's settings said no.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Literal

import pytest

from sandbox.job import Job
from sandbox.sandbox import Sandbox
from tests.support.sandboxes import RunCode

HELPERS = """
import ctypes, errno, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)

def attempt(name, work):
    try:
        result = work()
    except (OSError, ValueError) as error:
        print(name, "refused")
    else:
        print(name, "ALLOWED", result)

def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result

def connect(family, kind, address):
    with socket.socket(family, kind) as connecting:
        connecting.settimeout(2)
        connecting.connect(address)
        if kind == socket.SOCK_DGRAM:
            connecting.send(b"x")
        return "connected"
"""

NETWORK = """
inet, tcp, udp = socket.AF_INET, socket.SOCK_STREAM, socket.SOCK_DGRAM
attempt("tcp", lambda: connect(inet, tcp, ("1.1.1.1", 80)))
attempt("tcp6", lambda: connect(socket.AF_INET6, tcp, ("2606:4700:4700::1111", 80)))
attempt("udp", lambda: connect(inet, udp, ("8.8.8.8", 53)))
attempt("metadata", lambda: connect(inet, tcp, ("169.254.169.254", 80)))
attempt("bridge", lambda: connect(inet, tcp, ("172.17.0.1", 2375)))
attempt("dns", lambda: socket.getaddrinfo("example.com", 80))
attempt("raw", lambda: socket.socket(inet, socket.SOCK_RAW, socket.IPPROTO_ICMP))
attempt("packet", lambda: socket.socket(17, tcp))
attempt("netlink", lambda: socket.socket(16, socket.SOCK_RAW))
attempt("vsock", lambda: socket.socket(40, tcp))
attempt("udp socket", lambda: socket.socket(inet, udp))
attempt("udp6 socket", lambda: socket.socket(socket.AF_INET6, udp))
attempt("sctp", lambda: socket.socket(inet, tcp, 132))
attempt("mptcp", lambda: socket.socket(inet, tcp, 262))
with socket.socket(inet, tcp, socket.IPPROTO_TCP) as one:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF, 1 << 32 | socket.SO_RCVBUF):
        value = struct.pack("i", 1 << 22)
        setsockopt = 54 if os.uname().machine == "x86_64" else 208
        attempt(
            f"buffer {option}",
            lambda: call(setsockopt, one.fileno(), 1, ctypes.c_long(option), value, len(value)),
        )
attempt("alg", lambda: socket.socket(38, 5))
attempt("engine", lambda: connect(socket.AF_UNIX, tcp, "/var/run/docker.sock"))
attempt("containerd", lambda: connect(socket.AF_UNIX, tcp, "/run/containerd/containerd.sock"))
interfaces = sorted(os.listdir("/sys/class/net"))
print("interfaces", "refused" if interfaces in ([], ["lo"]) else interfaces)
"""

HOST_FILES = """
for path in ("/etc/shadow", "/root", "/var/lib/docker", "/proc/kcore", "/proc/kmsg", "/dev/mem", "/dev/sda",
             "/dev/kmsg", "/dev/fuse", "/proc/sysrq-trigger", "/sys/kernel/debug/tracing", "/dev/vda"):
    attempt(path, lambda: os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1))
for path in ("/", "/etc", "/usr/lib", "/opt", "/opt/handoff", "/proc/sys/kernel", "/sys/fs/cgroup", "/dev"):
    attempt(path, lambda: open(path + "/written", "w").close())
attempt("core_pattern", lambda: open("/proc/sys/kernel/core_pattern", "w"))
attempt("release_agent", lambda: open("/sys/fs/cgroup/memory/release_agent", "w"))
attempt("overwrite supervisor", lambda: open("/opt/handoff/supervisor/main.py", "w"))
"""

KERNEL = """
x86 = os.uname().machine == "x86_64"
numbers = dict(
    ptrace=101, mount=165, umount2=166, pivot_root=155, chroot=161, unshare=272, setns=308, bpf=321,
    perf_event_open=298, io_uring_setup=425, userfaultfd=323, add_key=248, request_key=249, keyctl=250,
    kexec_load=246, init_module=175, finit_module=313, delete_module=176, swapon=167, reboot=169,
    sethostname=170, iopl=172, ioperm=173, process_vm_readv=310, process_vm_writev=311, kcmp=312,
    name_to_handle_at=303, open_by_handle_at=304, pidfd_getfd=438, fsopen=430, move_mount=429, open_tree=428,
    mount_setattr=442, quotactl=179, acct=163, settimeofday=164, adjtimex=159,
    nfsservctl=180, lookup_dcookie=212,
    fanotify_init=300, msgget=68, shmget=29, semget=64, mq_open=240, clone3=435, seccomp=317, modify_ldt=154,
    inotify_init=253, inotify_init1=294,
    syslog=103, vhangup=153, landlock_create_ruleset=444, memfd_secret=447, io_setup=206, personality_adh=135,
) if x86 else dict(
    ptrace=117, mount=40, umount2=39, pivot_root=41, chroot=51, unshare=97, setns=268, bpf=280,
    perf_event_open=241, io_uring_setup=425, userfaultfd=282, add_key=217, request_key=218, keyctl=219,
    inotify_init1=26,
    process_vm_readv=270, process_vm_writev=271, kcmp=272, open_by_handle_at=265, pidfd_getfd=438, clone3=435,
)
arguments = {"personality_adh": (0x0040000,), "unshare": (0x10000000,)}
for name, number in numbers.items():
    attempt(name, lambda: call(number, *arguments.get(name, (0, 0, 0, 0, 0))))
CLONE_NEWUSER, SIGCHLD = 0x10000000, 17
# The kernel looks at 32 bits of a request, and a filter at 64.
for name, request in (("tiocsti", 0x5412), ("tiocsti with a 33rd bit", 0x100005412)):
    try:
        call(16 if x86 else 29, 1, ctypes.c_ulong(request), b"x")
    except OSError as error:
        print(name, "refused" if error.errno == errno.EPERM else f"ALLOWED {error}")
fionread = ctypes.c_int()
call(16 if x86 else 29, os.pipe()[0], 0x541B, ctypes.byref(fionread))
attempt("clone a user namespace", lambda: call(56 if x86 else 220, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0))
"""

PRIVILEGES = """
import resource
attempt("setuid", lambda: os.setuid(0))
attempt("setgid", lambda: os.setgid(0))
attempt("setgroups", lambda: os.setgroups([0]))
attempt("mknod", lambda: os.mknod("/work/disk", 0o060666, os.makedev(8, 0)))
attempt("mknod char", lambda: os.mknod("/work/mem", 0o020666, os.makedev(1, 1)))
attempt("chown", lambda: (open("/work/mine", "w").close(), os.chown("/work/mine", 0, 0)))
attempt("nice", lambda: os.setpriority(os.PRIO_PROCESS, 0, -20))
status = dict(line.rstrip().split(":\\t") for line in open("/proc/self/status") if ":\\t" in line)
capabilities = {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
print("capabilities", "refused" if capabilities == {"0" * 16} else capabilities)
print("new privileges", "refused" if status["NoNewPrivs"] == "1" else status["NoNewPrivs"])
print("seccomp", "refused" if status["Seccomp"] == "2" else status["Seccomp"])
own = os.getresuid() == os.getresgid() and 61184 <= os.getuid() < 65520
print("user", "refused" if own else os.getresuid())
attempt("a pty", os.openpty)
attempt("ptmx", lambda: os.open("/dev/ptmx", os.O_RDWR))
print("core", "refused" if resource.getrlimit(resource.RLIMIT_CORE) == (1, 1) else "ALLOWED")
raised = []
for folder, _, names in os.walk("/"):
    if not folder.startswith(("/proc", "/sys")):
        raised += [n for n in names if os.lstat(os.path.join(folder, n)).st_mode & 0o6000 and
                   not os.path.islink(os.path.join(folder, n))]
print("setuid files", "refused" if not raised else raised)
"""

SUPERVISOR = """
import signal
for name in ("environ", "mem", "maps", "fd", "fd/64", "fd/65", "fdinfo", "stack", "syscall", "cwd", "root",
             "io", "exe", "map_files", "auxv"):
    path = f"/proc/1/{name}"
    listed, linked = name in ("fd", "fdinfo", "map_files"), name in ("exe", "cwd", "root")
    look = os.listdir if listed else os.readlink if linked else lambda path: open(path, "rb").read(1)
    attempt(path, lambda: look(path))
attempt("write memory", lambda: open("/proc/1/mem", "rb+"))
for number in ("oom_score_adj", "timerslack_ns", "coredump_filter"):
    attempt(number, lambda: os.write(os.open(f"/proc/1/{number}", os.O_WRONLY), b"0"))
attempt("ptrace attach", lambda: call(101 if os.uname().machine == "x86_64" else 117, 16, 1, 0, 0))
attempt("pidfd_getfd", lambda: call(438, os.pidfd_open(1), 64, 0))
for number in range(1, 65):
    try:
        os.kill(1, number)
    except OSError:
        pass
try:
    os.kill(1, signal.SIGKILL); os.kill(1, signal.SIGSTOP)
except OSError:
    pass
print("signals", "refused")
import resource
for name in ("NOFILE", "CPU", "AS", "FSIZE"):
    attempt(f"limit {name}", lambda: resource.prlimit(1, getattr(resource, f"RLIMIT_{name}"), (1, 1)))
attempt("affinity", lambda: os.sched_setaffinity(1, {0}))
attempt("scheduler", lambda: os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0)))
attempt("priority", lambda: os.setpriority(os.PRIO_PROCESS, 1, 19))
attempt("priority of the user", lambda: os.setpriority(os.PRIO_USER, 0, 19))
attempt("priority of the group", lambda: os.setpriority(os.PRIO_PGRP, 0, 19))
ioprio_set = 251 if os.uname().machine == "x86_64" else 30
attempt("disk priority of the user", lambda: call(ioprio_set, 3, 0, 0x6000))
os.nice(1)
mine = sorted(int(name) for name in os.listdir("/proc/self/fd"))
paths = [f"/proc/self/fd/{number}" for number in mine]
kinds = {path: os.readlink(path) for path in paths if os.path.lexists(path)}
print("sockets", "refused" if not any("socket" in kind for kind in kinds.values()) else kinds)
"""

SECRETS = """
import glob
wanted = "secret-of-the-host"
found = [name for name, value in os.environ.items() if wanted in value]
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        found += [path] if wanted.encode() in open(path, "rb").read() else []
    except OSError:
        pass
print("secret", "refused" if not found else found)
allowed = set("USER TZDIR PYTHON_CPU_COUNT JOBLIB_TEMP_FOLDER ARROW_DEFAULT_MEMORY_POOL".split())
allowed |= set("PATH HOME HOSTNAME LANG LC_CTYPE PYTHONPATH PYTHONDONTWRITEBYTECODE PYTHONUTF8".split())
allowed |= set("MPLBACKEND MPLCONFIGDIR OPENBLAS_NUM_THREADS OMP_NUM_THREADS LOKY_MAX_CPU_COUNT".split())
allowed |= {"NUMEXPR_MAX_THREADS", "POLARS_MAX_THREADS"}
allowed |= {"GPG_KEY", "PYTHON_VERSION", "PYTHON_SHA256"}  # of the official Python images
print("names", "refused" if set(os.environ) <= allowed else set(os.environ) - allowed)
processes = {name for name in os.listdir("/proc") if name.isdigit()}
print("processes", "refused" if processes == {"1", str(os.getpid())} else processes)
mounts = [line.split()[4] for line in open("/proc/self/mountinfo")]
ours = [m for m in mounts if not m.startswith(("/proc", "/sys", "/dev"))]
of_the_engine = {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"}
of_the_call = {"/", "/work", "/tmp", "/run/handoff"}
print("mounts", "refused" if set(ours) <= of_the_call | of_the_engine else ours)
attempt("the call's socket", lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, "/run/handoff/s"))
attempt("the call's folder", lambda: open("/run/handoff/new", "w"))
attempt("the call's folder, listed", lambda: os.listdir("/run/handoff")[0:1] or open("/run/handoff/s"))
print("hostname", "refused" if socket.gethostname() == "sandbox" else socket.gethostname())
"""


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(NETWORK, id="network"),
        pytest.param(HOST_FILES, id="host files"),
        pytest.param(KERNEL, id="kernel"),
        pytest.param(PRIVILEGES, id="privileges"),
        pytest.param(SUPERVISOR, id="supervisor"),
        pytest.param(SECRETS, id="secrets"),
    ],
)
@pytest.mark.parametrize("transport", ["socket", "attach"])
async def test_every_attempt_is_refused(
    sandbox_image: str,
    monkeypatch: pytest.MonkeyPatch,
    attack: str,
    transport: Literal["socket", "attach"],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret-of-the-host")
    async with Sandbox(image=sandbox_image, ready=0, transport=transport) as sandbox:
        run = await sandbox.run(Job(code=HELPERS + attack))
    assert run.stderr == ""
    assert run.exit_code == 0, run.sentence
    lines = run.stdout.splitlines()
    assert [line for line in lines if not line.endswith(" refused")] == []
    assert len(lines) >= 5


async def test_each_container_has_a_user_of_its_own(sandbox_image: str) -> None:
    """So that what the kernel counts by user, such as descriptors in flight, is not shared."""
    async with Sandbox(image=sandbox_image, ready=0) as sandbox:
        runs = [await sandbox.run(Job(code="import os; print(os.getuid())")) for _ in range(3)]
    assert len({run.stdout for run in runs}) == 3


async def test_buffers_of_loopback_connections_have_a_limit(run_code: RunCode) -> None:
    """cgroup v1 leaves them out of the memory limit."""
    code = """
import socket
server = socket.create_server(("127.0.0.1", 0))
pairs, sent = [], 0
for _ in range(400):
    client = socket.create_connection(server.getsockname())
    pairs += [client, server.accept()[0]]
    for end in pairs[-2:]:
        end.setblocking(False)
        try:
            while True:
                sent += end.send(bytes(1 << 16))
        except BlockingIOError:
            pass
print(sent >> 20)
"""
    run = await run_code(code)
    assert 0 < int(run.stdout) < 40, run.stderr


@pytest.mark.parametrize("accepts", [True, False])
async def test_network_sockets_have_a_number(run_code: RunCode, accepts: bool) -> None:
    """Also those that wait for accept(2), which cost the program no descriptor."""
    code = f"""
import os, socket, time
for _ in range(5):
    if os.fork() == 0:
        break
servers, held = [], []
while True:
    try:
        servers.append(socket.create_server(("127.0.0.1", 0), backlog=4096))
        for _ in range(400):
            client = socket.create_connection(servers[-1].getsockname())
            held += [client, servers[-1].accept()[0]] if {accepts} else []
    except OSError:
        time.sleep(1)
"""
    run = await run_code(code)
    assert run.sentence == ("The program was stopped: it had more than 2048 network sockets open at once.")
    assert (await run_code("print('fine')")).stdout == "fine\n"


async def test_abstract_sockets_of_the_host_are_out_of_reach(run_code: RunCode) -> None:
    name = f"\0handoff-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(name)
        listening.listen()
        run = await run_code(f"{HELPERS}\nattempt('abstract', lambda: connect(socket.AF_UNIX, 1, {name!r}))")
    assert run.stdout == "abstract refused\n"


async def test_a_host_folder_is_not_there(run_code: RunCode, tmp_path: Path) -> None:
    (tmp_path / "host.txt").write_text("host")
    run = await run_code(f"import os; print(os.path.exists({str(tmp_path)!r}))")
    assert run.stdout == "False\n"


async def test_two_sandboxes_do_not_see_each_other(run_code: RunCode) -> None:
    """Same user, same machine: only the namespaces keep them apart."""
    run = await run_code(HELPERS + "attempt('kill everybody', lambda: os.kill(-1, 9))")
    assert run.stdout == "kill everybody refused\n"


async def test_loopback_inside_works(run_code: RunCode) -> None:
    """People test their own servers; refusing all sockets would be simpler and less useful."""
    code = """
import asyncio

async def main():
    server = await asyncio.start_server(lambda r, w: (w.write(b"hello"), w.close()), "127.0.0.1", 0)
    reader, _ = await asyncio.open_connection(*server.sockets[0].getsockname())
    print((await reader.read()).decode())

asyncio.run(main())
"""
    run = await run_code(code)
    assert run.stdout == "hello\n"
