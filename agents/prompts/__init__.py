"""The instructions of the agents, a file each, so that a change of wording is a diff of its own."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def prompt(name: str) -> str:
    """The text of `<name>.md` beside this module. It never changes while a process runs, so endpoints can
    cache it as a prefix: date, person and workspace go into the conversation instead."""
    return files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8").strip()
