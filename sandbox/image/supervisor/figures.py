"""Saves matplotlib's figures: one that is shown or left open becomes a PNG in the working directory.

The hook is installed when the program imports pyplot, so that other programs do not pay for the import.
"""

# ruff: noqa: PTH109
from __future__ import annotations

import os
import sys

from . import imports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PYPLOT = "matplotlib.pyplot"
_saved_by_program: set[int] = set()
_prefix = ""


def watch(prefix: str) -> None:
    """Make `show()` save, now or when pyplot is imported later. `prefix` begins each file's name."""
    global _prefix
    _prefix = prefix
    imports.after(_PYPLOT, _hook)


def save_open(folder: str, *, shown: bool = False) -> None:
    """Save and close every open figure; those the program saved by itself only if it also showed them."""
    pyplot = sys.modules.get(_PYPLOT)
    if pyplot is None:
        return
    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        if shown or id(figure) not in _saved_by_program:
            figure.savefig(_free_name(folder), dpi=110, bbox_inches="tight")
        pyplot.close(figure)


def _free_name(folder: str) -> str:
    number = 1
    while os.path.lexists(name := f"{folder}/{_prefix}figure-{number}.png"):
        number += 1
    return name


def _hook(pyplot: Any) -> None:
    figure_class = pyplot.Figure
    save = figure_class.savefig

    def savefig(self: Any, *args: Any, **kwargs: Any) -> Any:
        _saved_by_program.add(id(self))
        return save(self, *args, **kwargs)

    def show(*_args: object, **_kwargs: object) -> None:
        save_open(os.getcwd(), shown=True)

    savefig.__doc__, show.__doc__ = save.__doc__, pyplot.show.__doc__
    figure_class.savefig = savefig
    pyplot.show = show
