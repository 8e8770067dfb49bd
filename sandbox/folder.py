"""A folder of files that is read and written without following links, each file in one step."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sandbox import filenames
from sandbox.errors import FileRefused
from sandbox.files import SandboxFile

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
RESERVED = ".handoff-"
"""Begins the names of our own files, which programs neither see nor make."""
_PARTIAL = f"{RESERVED}half-"  # a file being written; one that a crash left is ignored
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Version:
    """What `stat` says about a file; another version of it differs."""

    inode: int
    size: int
    modified: int
    executable: bool

    @classmethod
    def of(cls, status: os.stat_result) -> Version:
        is_executable = bool(status.st_mode & stat.S_IXUSR)
        return cls(status.st_ino, status.st_size, status.st_mtime_ns, is_executable)


class Folder:
    """Regular files by path relative to `path`. All methods block."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self, *, reserved: bool = False) -> dict[str, Version]:
        """Every file that a job can take, and with `reserved` our own files too."""
        hidden = _PARTIAL if reserved else RESERVED
        return {name: v for name, v in self._walk() if not name.rpartition("/")[2].startswith(hidden)}

    def empty_folders(self) -> tuple[str, ...]:
        """Paths of the folders without any entry."""
        found = (
            Path(folder).relative_to(self.path).as_posix()
            for folder, folders, names in os.walk(self.path)
            if not folders and not names and Path(folder) != self.path
        )
        return tuple(name for name in found if filenames.is_clean(name))

    def write(self, name: str, file: SandboxFile) -> None:
        """Create or replace a file; raises FileRefused with the reason."""
        *folders, last = name.split("/")
        partial = f"{_PARTIAL}{secrets.token_hex(8)}"
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with self._opened(folders, make=True) as parent:
                try:
                    self._write_partial(partial, parent, file)
                    os.replace(partial, last, src_dir_fd=parent, dst_dir_fd=parent)
                except BaseException:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(partial, dir_fd=parent)
                    raise
        except OSError as error:
            raise FileRefused(f"{name} was not kept: {error.strerror}.") from error

    def open(self, name: str, version: Version | None = None) -> BinaryIO:
        """Open a file for reading; raises FileRefused when there is none, or no longer this version of it."""
        try:
            if not filenames.is_clean(name):
                raise FileNotFoundError
            *folders, last = name.split("/")
            with self._opened(folders, make=False) as parent:
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                file = os.fdopen(os.open(last, flags, dir_fd=parent), "rb")
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                file.close()
                raise FileNotFoundError
        except OSError as error:
            raise FileRefused(f"There is no file {name[:200]!r} in /work.") from error
        if version is not None and Version.of(status) != version:
            file.close()
            raise FileRefused("another program changed it in the meantime")
        return file

    def remove(self, name: str) -> None:
        """Remove a file and the folders that it leaves empty, where there is one."""
        if filenames.is_clean(name):
            *folders, last = name.split("/")
            with contextlib.suppress(OSError):  # gone already, or a folder now
                with self._opened(folders, make=False) as parent:
                    os.unlink(last, dir_fd=parent)
                self.remove_folder("/".join(folders))

    def make_folder(self, name: str) -> None:
        """Create a folder and its parents, where nothing is in the way."""
        self.path.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError), self._opened(name.split("/"), make=True):
            pass

    def remove_folder(self, name: str) -> None:
        """Remove a folder and its parents as far as they are empty."""
        parts = name.split("/") if filenames.is_clean(name) else []
        with contextlib.suppress(OSError):
            for depth in range(len(parts), 0, -1):
                with self._opened(parts[: depth - 1], make=False) as parent:
                    os.rmdir(parts[depth - 1], dir_fd=parent)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers of this folder out, those of other processes too."""
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, _FOLDER)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write_partial(self, partial: str, parent: int, file: SandboxFile) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        mode = 0o700 if file.executable else 0o600
        with (
            file.open() as source,
            os.fdopen(os.open(partial, flags, mode, dir_fd=parent), "wb") as target,
        ):
            while piece := source.read(_PIECE):
                target.write(piece)
            target.flush()
            if file.modified:
                os.utime(target.fileno(), ns=(file.modified, file.modified))
            os.fsync(target.fileno())

    @contextlib.contextmanager
    def _opened(self, folders: list[str], *, make: bool) -> Iterator[int]:
        """A descriptor of a folder below this one, each step of the way opened without following a link."""
        descriptor = os.open(self.path, _FOLDER)
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

    def _walk(self) -> Iterator[tuple[str, Version]]:
        for folder, _, found in os.walk(self.path):
            for path in (Path(folder, name) for name in found):
                name = path.relative_to(self.path).as_posix()
                with contextlib.suppress(FileNotFoundError):
                    status = path.lstat()
                    if stat.S_ISREG(status.st_mode) and filenames.is_clean(name):
                        yield name, Version.of(status)
