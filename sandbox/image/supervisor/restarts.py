"""Lets interpreters that the program starts by multiprocessing's `spawn` and `forkserver` read the program.

They run its file once more, and ours is none: they are given one in memory. Nothing is written to /work.
"""

from __future__ import annotations

import functools
import os

from . import imports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def watch(source: str) -> None:
    """Lend the program once multiprocessing is about to start an interpreter."""
    imports.after("multiprocessing.spawn", functools.partial(_lend, source))


def _lend(source: str, spawn: Any) -> None:
    prepared = spawn.get_preparation_data
    memory = os.memfd_create("main.py")
    with open(memory, "w", encoding="utf-8", errors="surrogateescape", closefd=False) as file:
        file.write(source)

    def get_preparation_data(name: str) -> Any:
        data = prepared(name)
        if "init_main_from_path" in data:
            data["init_main_from_path"] = f"/proc/{os.getpid()}/fd/{memory}"
        return data

    spawn.get_preparation_data = get_preparation_data
