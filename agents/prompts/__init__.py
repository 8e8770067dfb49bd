"""The instructions of the agents, one file each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def prompt(name: str) -> str:
    """The text of `<name>.md` beside this module. It is constant, so endpoints cache it as a prefix: date,
    person and workspace go into the conversation."""
    return files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8").strip()
