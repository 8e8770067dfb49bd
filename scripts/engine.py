"""Finds a running Docker Engine, or installs and starts one as root on Debian and Ubuntu.

Prints the engine's address for `DOCKER_HOST` if it is not the default one. A started engine keeps running.
Without the rights to install, it says in one sentence what to do.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from scripts import apt
from scripts.steps import ROOT, SetupError, exit_code, say, step

SOCKET = Path("/var/run/docker.sock")
LOG = Path("/var/log/handoff-dockerd.log")
#: Seconds. The first start creates its stores and network, which is slow on a slow disk.
START_TIMEOUT = 60.0
PACKAGES = ("docker.io", "iptables")
#: Builds the base of the sandbox's image if no image registry can be reached.
BASE_MAKER = "mmdebstrap"
#: The second has no network, which no sandbox needs: some kernels lack the tables for it.
DAEMON_OPTIONS = ((), ("--iptables=false", "--ip6tables=false", "--bridge=none"))
#: The daemons' pid files. SIGKILL leaves them behind. If another process has the pid by then,
#: the next daemon takes it for the old one, and waits or refuses to start.
PID_FILES = (
    (Path("/var/run/docker.pid"), "dockerd"),
    (Path("/var/run/docker/containerd/containerd.pid"), "containerd"),
)
_NO_ENGINE = (
    "No Docker Engine answers here. Install one and start it (docs.docker.com/engine/install), or set "
    "DOCKER_HOST to one that runs. On Debian and Ubuntu, run this set-up as root to have it installed."
)
_NOT_ALLOWED = (
    "Docker runs, but this user may not use it. Add the user to the group docker (sudo usermod -aG docker "
    '"$USER") and log in again, or set DOCKER_HOST to an engine without root.'
)


def main() -> None:
    if _is_configured():
        return  # Handoff itself reports what is wrong with a configured engine.
    found = {address: _ping(address) for address in _sockets()}
    answering = next((address for address, answer in found.items() if answer is True), None)
    if answering is None and None in found.values():
        raise SetupError(_NOT_ALLOWED)
    if answering is None:
        _install_and_start()
    elif answering != SOCKET:
        print(f"unix://{answering}")
    _add_base_maker()


def _add_base_maker() -> None:
    """Installs the program that builds the base.

    Without it, the build pulls the base or fails with a sentence.
    """
    if apt.usable() and not shutil.which(BASE_MAKER):
        with suppress(SetupError):
            apt.install([BASE_MAKER])


def _is_configured() -> bool:
    in_file = ROOT / ".env"
    lines = in_file.read_text().splitlines() if in_file.is_file() else []
    set_there = any(line.startswith("DOCKER_HOST=") and line != "DOCKER_HOST=" for line in lines)
    return bool(os.environ.get("DOCKER_HOST")) or set_there


def _sockets() -> Iterator[Path]:
    """The sockets of engines: the default, a rootless one, Docker Desktop."""
    yield SOCKET
    if "XDG_RUNTIME_DIR" in os.environ:
        yield Path(os.environ["XDG_RUNTIME_DIR"]) / "docker.sock"
    yield Path.home() / ".docker" / "run" / "docker.sock"


def _answers(address: Path) -> bool:
    return _ping(address) is True


def _ping(address: Path) -> bool | None:
    """Whether an engine answers at the address; None if this user lacks the permission."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(address))
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in connection.recv(64)
        except PermissionError:
            return None
        except OSError:
            return False


def _install_and_start() -> None:
    if not apt.usable():
        raise SetupError(_NO_ENGINE)
    if _dockerd() is None:
        apt.install(PACKAGES)
    if Path("/run/systemd/system").is_dir():
        with step("Starting Docker with systemd"):
            subprocess.run(["systemctl", "start", "docker"], check=False)
            if not _wait_for(None):
                raise SetupError("Docker did not start. `journalctl -u docker` says why.")
        return
    with step(f"Starting Docker; its log is {LOG}"):
        _start_by_hand()


def _start_by_hand() -> None:
    for file, program in PID_FILES:
        _remove_stale_pid_file(file, program)
    for options in DAEMON_OPTIONS:
        with LOG.open("ab") as log:
            # Its own session, so that Ctrl-C here does not reach it. Its default log level writes a
            # dozen lines about each container.
            daemon = subprocess.Popen(
                [_dockerd() or "dockerd", "--log-level=warn", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if _wait_for(daemon):
            return
        say(f"  dockerd {' '.join(options)} did not start")
    raise SetupError(
        f"Docker did not start. {LOG} says why; set DOCKER_HOST to another engine if it can't run here."
    )


def _remove_stale_pid_file(pid_file: Path, program: str) -> None:
    """Removes a pid file unless its process runs `program`. A zombie has no `exe`.

    A daemon ignores a missing file and one without a pid.
    """
    with suppress(OSError, ValueError):
        number = int(pid_file.read_text())
        try:
            runs = (Path("/proc") / str(number) / "exe").readlink().name.startswith(program)
        except OSError:
            runs = False
        if not runs:
            pid_file.unlink()


def _dockerd() -> str | None:
    return shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _wait_for(daemon: subprocess.Popen[bytes] | None) -> bool:
    """Whether the engine answers in time. Returns early if the process has exited."""
    until = time.monotonic() + START_TIMEOUT
    while time.monotonic() < until:
        if _answers(SOCKET):
            return True
        if daemon is not None and daemon.poll() is not None:
            return False
        time.sleep(0.2)
    return False


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
