"""A Docker Engine that answers: found, or on Debian and Ubuntu as root installed and started.

Prints the engine's address when it is not the usual one, for `DOCKER_HOST`. An engine that was started stays.
Where it may not install anything it says in one sentence what to do.
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
from scripts.steps import ROOT, Stuck, ended, say, step

SOCKET = Path("/var/run/docker.sock")
LOG = Path("/var/log/handoff-dockerd.log")
#: The first start makes its stores and its network, which takes seconds on a slow disk.
PATIENCE = 60.0
PACKAGES = ("docker.io", "iptables")
#: Makes the base of the sandbox's image where no registry of images can be reached.
BASE_MAKER = "mmdebstrap"
#: Tried first as it is, then without the network that no sandbox needs: some kernels lack its tables.
WAYS_TO_START = ((), ("--iptables=false", "--ip6tables=false", "--bridge=none"))
#: Where a daemon writes its number, and the program that has it. An engine killed with SIGKILL leaves both.
#: The next takes whatever has such a number by then for the old one: it waits for it, or refuses to start.
PID_FILES = (
    (Path("/var/run/docker.pid"), "dockerd"),
    (Path("/var/run/docker/containerd/containerd.pid"), "containerd"),
)
_ELSEWHERE = (
    "No Docker Engine answers here. Install one and start it (docs.docker.com/engine/install), or set "
    "DOCKER_HOST to one that runs. On Debian and Ubuntu this set-up does it by itself when it runs as root."
)
_NOT_ALLOWED = (
    "Docker runs, but this user may not use it. Add the user to the group docker (sudo usermod -aG docker "
    '"$USER") and log in again, or set DOCKER_HOST to an engine without root.'
)


def main() -> None:
    if _chosen():
        return  # Handoff itself says what is wrong with an engine that somebody chose.
    found = {address: _asked(address) for address in _sockets()}
    answering = next((address for address, answer in found.items() if answer is True), None)
    if answering is None and None in found.values():
        raise Stuck(_NOT_ALLOWED)
    if answering is None:
        _install_and_start()
    elif answering != SOCKET:
        print(f"unix://{answering}")
    _add_base_maker()


def _add_base_maker() -> None:
    """Where nothing can be installed this is no fault: the sandbox's build pulls its base, or says so."""
    if apt.usable() and not shutil.which(BASE_MAKER):
        with suppress(Stuck):
            apt.install([BASE_MAKER])


def _chosen() -> bool:
    in_file = ROOT / ".env"
    lines = in_file.read_text().splitlines() if in_file.is_file() else []
    set_there = any(line.startswith("DOCKER_HOST=") and line != "DOCKER_HOST=" for line in lines)
    return bool(os.environ.get("DOCKER_HOST")) or set_there


def _sockets() -> Iterator[Path]:
    """Where engines listen: the usual place, one without root, Docker Desktop."""
    yield SOCKET
    if "XDG_RUNTIME_DIR" in os.environ:
        yield Path(os.environ["XDG_RUNTIME_DIR"]) / "docker.sock"
    yield Path.home() / ".docker" / "run" / "docker.sock"


def _answers(address: Path) -> bool:
    return _asked(address) is True


def _asked(address: Path) -> bool | None:
    """Whether an engine answers there; None when this user may not ask."""
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
        raise Stuck(_ELSEWHERE)
    if _daemon() is None:
        apt.install(PACKAGES)
    if Path("/run/systemd/system").is_dir():
        with step("Starting Docker with systemd"):
            subprocess.run(["systemctl", "start", "docker"], check=False)
            if not _wait_for(None):
                raise Stuck("Docker did not start. `journalctl -u docker` says why.")
        return
    with step(f"Starting Docker; its log is {LOG}"):
        _start_by_hand()


def _start_by_hand() -> None:
    for file, program in PID_FILES:
        _forget_if_dead(file, program)
    for options in WAYS_TO_START:
        with LOG.open("ab") as log:
            # A session of its own, so that Ctrl-C here does not reach it; at its usual level it writes a
            # dozen lines about each container.
            daemon = subprocess.Popen(
                [_daemon() or "dockerd", "--log-level=warn", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if _wait_for(daemon):
            return
        say(f"  dockerd {' '.join(options)} did not start")
    raise Stuck(
        f"Docker did not start. {LOG} says why; set DOCKER_HOST to another engine if it can't run here."
    )


def _forget_if_dead(pid_file: Path, program: str) -> None:
    """Remove the file unless `program` runs under its number; a process that is only waited for has no `exe`.

    No file, or no number in it, is nothing to forget: a daemon takes it for none as well.
    """
    with suppress(OSError, ValueError):
        number = int(pid_file.read_text())
        try:
            runs = (Path("/proc") / str(number) / "exe").readlink().name.startswith(program)
        except OSError:
            runs = False
        if not runs:
            pid_file.unlink()


def _daemon() -> str | None:
    return shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def _wait_for(daemon: subprocess.Popen[bytes] | None) -> bool:
    """Whether the engine answers in time; gives up at once when the process has ended."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if _answers(SOCKET):
            return True
        if daemon is not None and daemon.poll() is not None:
            return False
        time.sleep(0.2)
    return False


if __name__ == "__main__":
    raise SystemExit(ended(main))
