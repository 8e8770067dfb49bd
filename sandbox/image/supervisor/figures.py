"""Saves matplotlib's figures: one that is shown or left open becomes a PNG in /work.

The hook is installed when the program imports pyplot, so that other programs do not pay for the import.
"""

from __future__ import annotations

import os
import sys

from . import imports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PYPLOT = "matplotlib.pyplot"
_FOLDER = "/work"
# On a figure that the program saved: True when it is in /work.
_SAVED = "_handoff_saved"
# Families that draw what DejaVu Sans can't; each after those that the program chose.
_FALLBACKS = [
    "DejaVu Sans", "Noto Sans CJK JP", "Noto Emoji", "Noto Sans Symbols", "Noto Sans Arabic",
    "Noto Sans Hebrew", "Noto Sans Thai", "Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Tamil",
]  # fmt: skip
_prefix = ""


def watch(prefix: str) -> None:
    """Make `show()` save, now or when pyplot is imported later. `prefix` begins each file's name."""
    global _prefix
    _prefix = prefix
    imports.after("matplotlib.font_manager", _add_fallbacks)
    imports.after(_PYPLOT, _hook)


def save_open(*, shown: bool = False) -> None:
    """Save and close every open figure but those that the program saved by itself.

    One that is shown is saved unless it is in /work already. Raises the first error when all are done.
    """
    pyplot: Any = sys.modules.get(_PYPLOT)
    problem: Exception | None = None
    for number in pyplot.get_fignums() if pyplot else ():
        figure = pyplot.figure(number)
        try:
            saved = getattr(figure, _SAVED, None)
            if saved is None or (shown and not saved):
                save(figure)
        except Exception as error:  # noqa: BLE001 a text that can't be drawn must not cost the other figures
            problem = problem or error
        pyplot.close(figure)
    if problem is not None:
        raise problem


def save(picture: Any) -> None:
    """Save a figure of matplotlib or an image of Pillow under a free name."""
    number = 1
    while os.path.lexists(name := f"{_FOLDER}/{_prefix}figure-{number}.png"):
        number += 1
    if hasattr(picture, "savefig"):
        picture.savefig(name, dpi=110, bbox_inches="tight")
    else:
        picture.save(name)


def _hook(pyplot: Any) -> None:
    figure_class = pyplot.Figure
    write = figure_class.savefig

    def savefig(self: Any, fname: Any, *args: Any, **kwargs: Any) -> Any:
        result = write(self, fname, *args, **kwargs)
        setattr(self, _SAVED, getattr(self, _SAVED, False) or _in_work(fname))
        return result

    def show(*_args: object, **_kwargs: object) -> None:
        save_open(shown=True)

    def show_one(self: Any, *_args: object, **_kwargs: object) -> None:
        if not getattr(self, _SAVED, False):
            save(self)

    savefig.__doc__, show.__doc__, show_one.__doc__ = (
        write.__doc__,
        pyplot.show.__doc__,
        figure_class.show.__doc__,
    )
    figure_class.savefig, figure_class.show, pyplot.show = savefig, show_one, show


def _in_work(target: Any) -> bool:
    try:
        return str(os.path.realpath(os.fspath(target))).startswith(f"{_FOLDER}/")
    except TypeError:  # a buffer
        return False


def _add_fallbacks(font_manager: Any) -> None:
    """Have matplotlib look in more fonts for a character, whatever fonts a program or a style asks for."""
    manager = font_manager.FontManager
    find = manager._find_fonts_by_props
    found: list[Any] = []

    def with_fallbacks(self: Any, prop: Any, *args: Any, **kwargs: Any) -> Any:
        if not found:
            found.extend(find(self, font_manager.FontProperties(family=_FALLBACKS)))
        return list(dict.fromkeys([*find(self, prop, *args, **kwargs), *found]))

    manager._find_fonts_by_props = with_fallbacks
    # A family that is not there is no loss any more, and each draw would say so again.
    font_manager._log.setLevel("ERROR")
