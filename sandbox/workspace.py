"""The files of one thread, kept on the host between its calls.

Owns one folder. Never follows a link, never reaches outside the folder, never leaves half a file behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sandbox import filenames
from sandbox.errors import FileRefused
from sandbox.limits import SandboxLimits

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OURS = ".handoff-"  # nothing that a program makes is kept under such a name, nor given to one
_HALF = f"{_OURS}half-"  # a file being written; one that is left over was cut off by a crash and is ignored


class Workspace:
    """What programs of one thread find in `/work`, as `SandboxLimits.input_bytes` and `input_count` allow."""

    def __init__(self, folder: Path, *, limits: SandboxLimits | None = None) -> None:
        self.folder = folder
        self._limits = limits or SandboxLimits()

    async def files(self) -> dict[str, bytes]:
        """Everything, ready for `Job.files`."""
        if not self.folder.exists():  # most have none, and looking costs less than an executor's thread
            return {}
        return await asyncio.to_thread(self._files)

    async def names(self) -> list[str]:
        """Paths of all files, sorted."""
        return sorted(await self.sizes())

    async def sizes(self) -> dict[str, int]:
        """Bytes by path."""
        return await asyncio.to_thread(lambda: dict(self._walk()))

    async def keep(self, files: Mapping[str, bytes], removed: Iterable[str] = ()) -> tuple[str, ...]:
        """Take over what a run left and drop what it removed; a sentence for each file that was not kept."""
        return await asyncio.to_thread(self._keep, files, tuple(removed))

    async def add(self, name: str, data: bytes) -> str:
        """Put a new file beside the others; its path, which differs from `name` when that is taken or unsafe.

        Raises FileRefused when the name can't be used or the thread has too many files or bytes.
        """
        return await asyncio.to_thread(self._add, name, data)

    async def read(self, path: str, offset: int = 0, limit: int | None = None) -> bytes:
        """`limit` bytes from `offset` on, or all; raises FileRefused when there is no such file."""
        return await asyncio.to_thread(self._read, path, offset, limit)

    async def variables(self, owner: str) -> bytes:
        """What `keep_variables` wrote last for `owner`; empty at first."""
        with contextlib.suppress(FileRefused):
            return await self.read(_variables_of(owner))
        return b""

    async def keep_variables(self, owner: str, pickled: bytes) -> tuple[str, ...]:
        """Write down what a program of `owner` left, in one step; a sentence when that was not possible.

        Programs never find it among their files. No bytes: forget them.
        """
        try:
            name = _variables_of(owner)
            await asyncio.to_thread(*((self._write, name, pickled) if pickled else (self._remove, name)))
        except FileRefused as refused:
            return (f"The variables are as they were before this call. {refused}",)
        return ()

    def _files(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for name, _ in self._walk():
            with contextlib.suppress(FileRefused):  # removed by a call of the same thread a moment ago
                found[name] = self._read(name, 0, None)
        return found

    def _keep(self, files: Mapping[str, bytes], removed: tuple[str, ...]) -> tuple[str, ...]:
        for name in removed:
            self._remove(name)
        notes: list[str] = []
        sizes = dict(self._walk())
        for name, data in files.items():
            try:
                self._check_room(name, data, sizes)
                self._write(name, data)
                sizes[name] = len(data)
            except FileRefused as refused:
                notes.append(str(refused))
        return tuple(notes)

    def _add(self, name: str, data: bytes) -> str:
        sizes = dict(self._walk())
        path = filenames.unique(filenames.clean(name), sizes)
        self._check_room(path, data, sizes)
        self._write(path, data)
        return path

    def _check_room(self, name: str, data: bytes, sizes: Mapping[str, int]) -> None:
        """FileRefused when `data` under `name` would break a limit of the jobs to come."""
        limits = self._limits
        if not filenames.is_clean(name) or name.rpartition("/")[2].startswith(_OURS):
            raise FileRefused(f"{name[:80]!r} was not kept: a file in /work can't have that name.")
        if name not in sizes and len(sizes) >= limits.input_count:
            raise FileRefused(f"{name} was not kept: {limits.input_count} files is the limit of a thread.")
        if sum(sizes.values()) - sizes.get(name, 0) + len(data) > limits.input_bytes:
            raise FileRefused(f"{name} was not kept: {limits.input_bytes} bytes is the limit of a thread.")

    def _write(self, name: str, data: bytes) -> None:
        *folders, last = name.split("/")
        half = f"{_HALF}{secrets.token_hex(8)}"
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with self._opened(folders, make=True) as parent:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                with os.fdopen(os.open(half, flags, 0o600, dir_fd=parent), "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    os.replace(half, last, src_dir_fd=parent, dst_dir_fd=parent)
                except OSError:
                    os.unlink(half, dir_fd=parent)
                    raise
        except OSError as error:
            raise FileRefused(f"{name} was not kept: {error.strerror}.") from error

    def _read(self, path: str, offset: int, limit: int | None) -> bytes:
        try:
            if not filenames.is_clean(path):
                raise FileNotFoundError
            *folders, last = path.split("/")
            with self._opened(folders, make=False) as parent:
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                with os.fdopen(os.open(last, flags, dir_fd=parent), "rb") as file:
                    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                        raise FileNotFoundError
                    file.seek(max(offset, 0))
                    return file.read(-1 if limit is None else max(limit, 0))
        except OSError as error:
            raise FileRefused(f"There is no file {path[:200]!r} in /work.") from error

    def _remove(self, name: str) -> None:
        if not filenames.is_clean(name):
            return
        *folders, last = name.split("/")
        with contextlib.suppress(OSError):  # gone already, or a folder now
            with self._opened(folders, make=False) as parent:
                os.unlink(last, dir_fd=parent)
            for depth in range(len(folders), 0, -1):
                self.folder.joinpath(*folders[:depth]).rmdir()

    @contextlib.contextmanager
    def _opened(self, folders: list[str], *, make: bool) -> Iterator[int]:
        """A descriptor of the folder, each step of the way opened without following a link."""
        descriptor = os.open(self.folder, _FOLDER)
        try:
            for folder in folders:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(folder, 0o700, dir_fd=descriptor)
                step = os.open(folder, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = step
            yield descriptor
        finally:
            os.close(descriptor)

    def _walk(self) -> Iterator[tuple[str, int]]:
        """Path and size of every regular file that a job can take."""
        for folder, _, found in os.walk(self.folder):
            for path in (Path(folder, name) for name in found if not name.startswith(_OURS)):
                name = path.relative_to(self.folder).as_posix()
                with contextlib.suppress(FileNotFoundError):
                    status = path.lstat()
                    if stat.S_ISREG(status.st_mode) and filenames.is_clean(name):
                        yield name, status.st_size


def _variables_of(owner: str) -> str:
    return f"{_OURS}variables-{filenames.clean(owner.replace('/', '_'))}"
