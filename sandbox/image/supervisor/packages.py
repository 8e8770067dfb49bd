"""Packages of the thread: wheels in /work/packages, unpacked when a program imports what nothing else has."""

# ruff: noqa: PTH112, PTH208
from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_WHEELS = "/work/packages"
_UNPACKED = "/work/.packages"  # /tmp is noexec, and a library must be mapped as code
_AT_ROOT = ("purelib", "platlib")


def watch() -> None:
    """Find modules in the wheels; it costs nothing until a module is found nowhere else."""
    sys.meta_path.append(Finder())


class Finder:
    """The last finder of `sys.meta_path`."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module in a wheel that was not unpacked yet."""
        if path is not None or not os.path.isdir(_WHEELS):
            return None
        wheels = {wheel for wheel in os.listdir(_WHEELS) if wheel.endswith(".whl")} - self._known
        if not wheels:
            return None
        self._known |= wheels
        for wheel in sorted(wheels):
            _unpack(f"{_WHEELS}/{wheel}")
        if _UNPACKED not in sys.path:
            sys.path.append(_UNPACKED)
        from importlib.machinery import PathFinder

        PathFinder.invalidate_caches()
        return PathFinder.find_spec(name, path, target)


def _unpack(wheel: str) -> None:
    """Unpack what a program imports; files of scripts, headers and data are left out."""
    import zipfile

    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            folder, _, rest = member.filename.partition("/")
            if folder.endswith(".data"):
                kind, _, rest = rest.partition("/")
                if kind not in _AT_ROOT or not rest:
                    continue
                member.filename = rest
            archive.extract(member, _UNPACKED)
