"""The files of one thread, kept on the host between its calls.

A file belongs to who made it. When a program changes the file of a person or of another worker of its task,
the change is kept beside it: nothing is lost, and an attachment stays as it was attached.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import zlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from sandbox import filenames
from sandbox.archives import members
from sandbox.errors import FileRefused
from sandbox.files import SandboxFile
from sandbox.folder import RESERVED, Folder, Version
from sandbox.job import Run
from sandbox.limits import SandboxLimits
from sandbox.snapshot import Kept, Snapshot

ATTACHED = "attached"
"""The owner of files that people attached."""
_OWNERS = f"{RESERVED}owners"
_HEAD_BYTES = 4096


class Workspace:
    """What programs of one thread find in `/work`, within `input_bytes` and `input_count` of the limits.

    `task` names the task that works on the thread: files of its earlier tasks have no owner.
    """

    problems: tuple[str, ...] = ()
    """A sentence for each file that should be here and is not."""

    def __init__(self, folder: Path, *, limits: SandboxLimits | None = None, task: str = "") -> None:
        self.folder = folder
        self._folder = Folder(folder)
        self._limits = limits or SandboxLimits()
        self._task = task
        self._lent: dict[str, SandboxFile] = {}

    def lend(self, files: Mapping[str, SandboxFile]) -> None:
        """Have programs find these files too. They are read-only: what a program writes to them, or beside
        them in their folders, is not kept."""
        self._lent |= {name: replace(file, read_only=True) for name, file in files.items()}

    async def snapshot(self) -> Snapshot:
        """All files as they are now."""
        if not self.folder.exists():  # most have none, and a look costs less than an executor's thread
            return Snapshot({}, dict(self._lent), ())
        return await asyncio.to_thread(self._snapshot)

    async def names(self) -> list[str]:
        """Paths of all files, sorted."""
        return sorted(await self.sizes())

    async def sizes(self) -> dict[str, int]:
        """Bytes by path."""
        versions = await asyncio.to_thread(self._folder.files)
        return {name: version.size for name, version in versions.items()}

    async def keep(self, run: Run, since: Snapshot, owner: str) -> Kept:
        """Take over what a run of the worker `owner` left, and remove what it removed."""
        if not (run.files or run.removed or since.folders or run.folders):
            return Kept((), ())
        return await asyncio.to_thread(self._keep, run, since, self._owner(owner))

    async def add(self, name: str, data: bytes | SandboxFile, owner: str = ATTACHED) -> str:
        """Put a new file beside the others; its path, which differs from `name` when that is taken or unsafe.

        Raises FileRefused when the name can't be used or the thread has too many files or bytes.
        """
        file = data if isinstance(data, SandboxFile) else SandboxFile.of(data)
        return await asyncio.to_thread(self._add, name, file, self._owner(owner))

    async def read(self, path: str, offset: int = 0, limit: int | None = None) -> bytes:
        """`limit` bytes from `offset` on, or all; raises FileRefused when there is no such file."""
        return await asyncio.to_thread(self._read, path, offset, limit)

    async def unpacked(self, paths: Collection[str]) -> set[str]:
        """Those of the pictures `paths` that came out of an attached file, as far as that shows.

        They are a copy of it or of an entry of a ZIP file, or older than every attachment: most programs that
        unpack keep the time. Where an attachment can't be looked into, such as a PDF, they are all but those
        that matplotlib drew.
        """
        return await asyncio.to_thread(self._unpacked, paths)

    async def attached(self) -> frozenset[str]:
        """Paths of the files that people attached."""
        owners = await asyncio.to_thread(self._owners)
        return frozenset(name for name, owner in owners.items() if owner == ATTACHED)

    async def variables(self, owner: str) -> bytes:
        """What `keep_variables` wrote last for `owner`; empty at first."""
        try:
            return await self.read(_variables_of(owner))
        except FileRefused:
            return b""

    async def keep_variables(self, owner: str, pickled: bytes) -> tuple[str, ...]:
        """Replace the variables of `owner`; a sentence when that was not possible.

        Programs do not find them among their files. No bytes: remove them.
        """
        try:
            name = _variables_of(owner)
            if pickled:
                await asyncio.to_thread(self._folder.write, name, SandboxFile.of(pickled))
            else:
                await asyncio.to_thread(self._folder.remove, name)
        except FileRefused as refused:
            return (f"The variables are as they were before this call. {refused}",)
        return ()

    async def keep_picture(self, data: bytes) -> str:
        """Keep a picture for models, which programs do not find among their files; returns its SHA-256.

        Raises FileRefused when the disk is full.
        """
        digest = hashlib.sha256(data).hexdigest()
        await asyncio.to_thread(self._folder.write, _picture_of(digest), SandboxFile.of(data))
        return digest

    async def picture(self, digest: str) -> bytes:
        """What `keep_picture` has kept; raises FileRefused when there is none."""
        return await self.read(_picture_of(digest))

    def _snapshot(self) -> Snapshot:
        versions = self._folder.files()
        files = {
            name: SandboxFile(
                size=version.size,
                open=functools.partial(self._folder.open, name, version),
                executable=version.executable,
                modified=version.modified,
            )
            for name, version in versions.items()
        }
        return Snapshot(versions, files | self._lent, self._folder.empty_folders())

    def _keep(self, run: Run, since: Snapshot, owner: str) -> Kept:
        kept: list[str] = []
        notes: list[str] = []
        with self._folder.locked():
            owners, versions = self._owners(), self._folder.files()
            for name, file in run.files.items():
                path, why = name, ""
                if self._is_lent(name):
                    notes.append(f"/work/{name} was not kept: that folder is read-only. Write elsewhere.")
                    continue
                if name in versions and (why := self._foreign(name, versions, since, owners, owner)):
                    path = filenames.unique(name, versions)
                try:
                    self._check_room(path, file.size, versions)
                    self._folder.write(path, file)
                except FileRefused as refused:
                    notes.append(str(refused))
                    continue
                versions[path] = Version(0, file.size, 0, file.executable)
                owners[path] = owner
                kept.append(path)
                if why:
                    notes.append(f"Your {name} was kept as /work/{path}: /work/{name} {why}.")
            for name in run.removed:
                if self._is_lent(name):
                    notes.append(f"/work/{name} was not removed: it is read-only.")
                elif name in versions and (why := self._foreign(name, versions, since, owners, owner)):
                    notes.append(f"/work/{name} was not removed: it {why}.")
                else:
                    self._folder.remove(name)
            self._keep_folders(run, since)
            self._write_owners({name: owners[name] for name in owners if name in versions})
        return Kept(tuple(kept), tuple(notes))

    def _foreign(
        self,
        name: str,
        versions: Mapping[str, Version],
        since: Snapshot,
        owners: Mapping[str, str],
        owner: str,
    ) -> str:
        """Why `owner` can't replace a file, in words that follow its name; empty when it can."""
        its_owner = owners.get(name, "")
        if its_owner == ATTACHED:
            return "is an attached file and stays as it was attached"
        if its_owner != owner and its_owner.startswith(self._owner("")):
            return f"was made by {its_owner.removeprefix(self._owner(''))}"
        if versions[name] != since.versions.get(name):
            return "was written by another program at the same time"
        return ""

    def _is_lent(self, name: str) -> bool:
        """Whether a path is a lent file, or in the folder of one."""
        folders = {path.rpartition("/")[0] for path in self._lent}
        return name in self._lent or any(name.startswith(f"{folder}/") for folder in folders if folder)

    def _keep_folders(self, run: Run, since: Snapshot) -> None:
        if run.folders is not None:
            for name in set(since.folders).difference(run.folders):
                self._folder.remove_folder(name)
            for name in run.folders:
                self._folder.make_folder(name)

    def _add(self, name: str, file: SandboxFile, owner: str) -> str:
        with self._folder.locked():
            owners, versions = self._owners(), self._folder.files()
            path = filenames.unique(filenames.clean(name), versions)
            self._check_room(path, file.size, versions)
            self._folder.write(path, file)
            self._write_owners(owners | {path: owner})
        return path

    def _unpacked(self, paths: Collection[str]) -> set[str]:
        versions = self._folder.files()
        attached = [name for name, owner in self._owners().items() if owner == ATTACHED and name in versions]
        if not attached:
            return set()
        wanted = {path: versions[path] for path in versions.keys() & set(paths)}
        sizes = {version.size for version in wanted.values()}
        contents: set[tuple[int, int]] = set()
        opaque = False
        for name in attached:
            with self._folder.open(name) as file:
                entries, has_more = members(file)
            contents |= {entry for entry in entries if entry[0] in sizes}
            opaque = opaque or has_more
            if versions[name].size in sizes:
                contents.add((versions[name].size, self._checksum(name)))
        arrived = min(versions[name].modified for name in attached)
        known = {size for size, _ in contents}
        return {
            path
            for path, version in wanted.items()
            if version.modified < arrived
            or (version.size in known and (version.size, self._checksum(path)) in contents)
            or (opaque and not self._is_drawn(path))
        }

    def _is_drawn(self, name: str) -> bool:
        """Whether a picture names matplotlib as its maker, as its PNG and SVG files do."""
        with self._folder.open(name) as file:
            return b"atplotlib" in file.read(_HEAD_BYTES)

    def _checksum(self, name: str) -> int:
        checksum = 0
        with self._folder.open(name) as file:
            while piece := file.read(1 << 20):
                checksum = zlib.crc32(piece, checksum)
        return checksum

    def _check_room(self, name: str, size: int, versions: Mapping[str, Version]) -> None:
        """FileRefused when a file of `size` under `name` would break a limit of the jobs to come."""
        limits = self._limits
        total = sum(version.size for other, version in versions.items() if other != name)
        if not filenames.is_clean(name) or name.rpartition("/")[2].startswith(RESERVED):
            raise FileRefused(f"{name[:80]!r} was not kept: a file in /work can't have that name.")
        if name not in versions and len(versions) >= limits.input_count:
            raise FileRefused(f"{name} was not kept: {limits.input_count} files is the limit of a thread.")
        if total + size > limits.input_bytes:
            raise FileRefused(f"{name} was not kept: {limits.input_bytes} bytes is the limit of a thread.")

    def _read(self, path: str, offset: int, limit: int | None) -> bytes:
        with self._lent[path].open() if path in self._lent else self._folder.open(path) as file:
            file.seek(max(offset, 0))
            return file.read(-1 if limit is None else max(limit, 0))

    def _owner(self, worker: str) -> str:
        return ATTACHED if worker == ATTACHED else f"{self._task}/{worker}"

    def _owners(self) -> dict[str, str]:
        """Owners by path; files of which none is known may be replaced."""
        try:
            return dict(json.loads(self._read(_OWNERS, 0, None)))
        except FileRefused:
            return {}

    def _write_owners(self, owners: Mapping[str, str]) -> None:
        self._folder.write(_OWNERS, SandboxFile.of(json.dumps(owners).encode()))


def _variables_of(owner: str) -> str:
    return f"{RESERVED}variables-{filenames.clean(owner.replace('/', '_'))}"


def _picture_of(digest: str) -> str:
    return f"{RESERVED}picture-{digest}"
