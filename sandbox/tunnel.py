"""An SSH tunnel to the Docker socket of another machine, made by the `ssh` program."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

_REMOTE = "/var/run/docker.sock"
_SECONDS = 20  # for a connection to a machine far away
_OPTIONS = {
    "BatchMode": "yes",  # a server can't type a password
    "ConnectTimeout": "15",
    "ExitOnForwardFailure": "yes",
    "ServerAliveInterval": "15",
}


class Tunnel:
    """Opens at first use and reopens when broken. Blocking, thread-safe."""

    def __init__(self, address: str) -> None:
        """`ssh://[user@]host[:port][/path/of/the.sock]`; `ssh` finds keys and known hosts."""
        self._address = urlsplit(address)
        self._opening = threading.Lock()
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def path(self) -> str:
        """Path of the local socket. Raises OSError with the message of `ssh`."""
        with self._opening:
            if self._process is not None and self._process.poll() is not None:
                self._process.communicate()  # closes our ends
                self._process = None
            if self._process is None:
                self._open()
            return str(self._socket)

    def close(self) -> None:
        """End `ssh`. It also ends when this process is killed, since its stdin closes."""
        if self._process is not None:
            self._process.communicate()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _socket(self) -> Path:
        # mkdtemp makes a folder that only this user can enter.
        self._folder = self._folder or Path(tempfile.mkdtemp(prefix="handoff-ssh-"))
        return self._folder / "s"

    def _open(self) -> None:
        self._socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            self._command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C must reach this process only, which still removes containers
        )
        end = time.monotonic() + _SECONDS
        while not self._socket.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                self._process.kill()
                said = self._process.communicate()[1].decode(errors="replace").strip().splitlines()
                raise OSError(said[-1] if said else f"ssh made no connection within {_SECONDS} s")
            time.sleep(0.02)

    def _command(self) -> list[str]:
        address = self._address
        command = ["ssh", "-T", "-L", f"{self._socket}:{address.path or _REMOTE}"]
        for name, value in _OPTIONS.items():
            command += ["-o", f"{name}={value}"]
        command += ["-p", str(address.port)] if address.port else []
        command += ["-l", address.username] if address.username else []
        return [*command, "--", address.hostname or "", "cat"]  # which ends when we do
