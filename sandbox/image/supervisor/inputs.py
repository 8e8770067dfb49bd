"""The job's files in /work. A large one is loaded when a program first opens it.

Until then it is an empty file of the right size with a write lease (fcntl(2), F_SETLEASE): the kernel holds
back every open(2) of it, by any process or library, until the lease is released. What a call does not open
costs neither time nor memory. Without leases (gVisor) every file is loaded before the program starts.
"""

# ruff: noqa: PTH103, PTH120, PTH123
from __future__ import annotations

import errno
import functools
import os
import time

from . import frames, kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .link import Link


class NotLoaded(Exception):
    """A file of the job can't be put into /work. The text is for the model."""


class Input:
    """One file of the manifest. `descriptor` is open while its content is still to be loaded."""

    def __init__(self, index: int, name: str, size: int, mode: int, modified: int) -> None:
        self.index = index
        self.name = name
        self.size = size
        self.mode = mode
        self.modified = modified
        self.descriptor = -1

    def finish(self, descriptor: int) -> None:
        """Set mode and modification time, once the content is written."""
        os.fchmod(descriptor, self.mode)
        os.utime(descriptor, ns=(self.modified, self.modified))


class Inputs:
    """The files of one job, from the manifest to the end of the program."""

    def __init__(self, link: Link, root: str) -> None:
        self.root = root
        self.opened = kernel.wake_on_lease_break()
        """Readable when a program waits for a file; then call `load_opened`."""
        self.meanwhile: Callable[[bytes, bytes], bool] | None = None
        """Takes a frame of another kind that arrives while a file is loaded; False when it is not its own."""
        self._link = link
        self._inputs: dict[str, Input] = {}
        self._leased: dict[int, Input] = {}
        self._most = os.sysconf("SC_OPEN_MAX") // 2  # each lease needs a descriptor
        self._patience = kernel.lease_break_seconds()

    def announce(self, manifest: dict[str, list[list[int | str]]]) -> None:
        """Make the folders, and note the files that follow; raises NotLoaded."""
        for folder in manifest["folders"]:
            self._place(str(folder), lambda path: os.makedirs(path, exist_ok=True))
        for index, (name, size, mode, modified) in enumerate(manifest["files"]):
            known = Input(index, str(name), int(size), int(mode), int(modified))
            self._inputs[known.name] = known

    def put(self, name: str, content: bytes) -> None:
        """Write a file of the manifest that the host sent in full; raises NotLoaded."""

        def write(path: str) -> None:
            with open(path, "wb") as file:
                file.write(content)
                file.flush()
                self._inputs.pop(name).finish(file.fileno())

        self._place(name, write)

    def lease_others(self) -> None:
        """Create the files that were not sent, to be loaded when they are opened; raises NotLoaded."""
        free = os.statvfs(self.root)
        room = free.f_bavail * free.f_frsize
        for known in self._inputs.values():
            room -= known.size
            self._place(known.name, functools.partial(self._create, known, room >= 0))
            if len(self._leased) < self._most and kernel.lease(known.descriptor):
                self._leased[os.fstat(known.descriptor).st_ino] = known
            else:
                self._load(known)

    def load_opened(self, loaded: Callable[[str, os.stat_result], None]) -> None:
        """Load the files that programs wait for. `loaded` gets name and status of each; raises NotLoaded."""
        os.read(self.opened, 4096)
        for inode, known in list(self._leased.items()):
            if not kernel.lease_holds(known.descriptor):
                del self._leased[inode]
                began = time.monotonic()
                self._load(known, loaded)
                if time.monotonic() - began > self._patience:
                    raise NotLoaded(f"{known.name} took longer than {self._patience:g} s to arrive")

    def unopened(self) -> dict[int, Input]:
        """By inode, the files whose content no program has read or changed. Ends all leases."""
        for known in self._leased.values():
            os.close(known.descriptor)
        return self._leased

    def _place(self, name: str, make: Callable[[str], None]) -> None:
        try:
            if not all(part not in ("", ".", "..") and "\0" not in part for part in name.split("/")):
                raise NotLoaded(f"{name!r} is not a name inside /work")
            path = f"{self.root}/{name}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            make(path)
        except OSError as error:
            raise NotLoaded(f"{name} can't be put into /work: {error.strerror}") from error

    def _create(self, known: Input, fits: bool, path: str) -> None:
        if not fits:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        os.ftruncate(descriptor, known.size)
        known.finish(descriptor)
        known.descriptor = descriptor

    def _load(
        self, known: Input, loaded: Callable[[str, os.stat_result], None] = lambda _name, _status: None
    ) -> None:
        """Fill the file, and let the programs that wait for it go on by closing it, which ends the lease."""
        self._link.send(frames.WANTED, known.index.to_bytes(4, "big"))
        try:
            self._receive(known)
            known.finish(known.descriptor)
            loaded(known.name, os.fstat(known.descriptor))
        except OSError as error:
            raise NotLoaded(f"{known.name} can't be put into /work: {error.strerror}") from error
        os.close(known.descriptor)

    def _receive(self, known: Input) -> None:
        """Copy the content from the descriptor, or from the pieces, which are all read in any case."""
        done = 0
        failed: OSError | None = None
        while done < known.size:
            kind, payload, source = self._link.receive_with_descriptor()
            if self.meanwhile is not None and self.meanwhile(kind, payload):
                continue
            if kind == frames.MISSING:
                raise NotLoaded(f"{known.name} can't be put into /work: {payload.decode()}")
            if source is not None:
                done = _copy(source, known)
                continue
            try:
                if failed is None:
                    os.pwrite(known.descriptor, payload, done)
            except OSError as error:
                failed = error
            done += len(payload)
        if failed is not None:
            raise failed


def _copy(source: int, known: Input) -> int:
    """Copy a whole open file within the kernel, and close it."""
    done = 0
    try:
        while done < known.size:
            if not (copied := os.sendfile(known.descriptor, source, done, known.size - done)):
                raise NotLoaded(f"{known.name} became shorter while it was copied into /work")
            done += copied
    finally:
        os.close(source)
    return done
