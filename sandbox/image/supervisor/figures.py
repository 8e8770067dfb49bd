"""Saves matplotlib's figures: one that is shown or left open becomes a PNG in /work.

The hook is installed when the program imports pyplot, so that other programs do not pay for the import.
"""

from __future__ import annotations

import math
import os
import sys

from . import imports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PYPLOT = "matplotlib.pyplot"
_DPI = 110
_PNG = {"compress_level": 1}  # the default takes nearly twice as long, for a file a fifth smaller
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
    imports.after(_PYPLOT, _hook)


def watch_fonts() -> None:
    """Have matplotlib look in more fonts, now or when it is imported later."""
    imports.after("matplotlib.font_manager", _add_fallbacks)


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
        write(picture, name)
        setattr(picture, _SAVED, True)
    else:
        picture.save(name)


def write(figure: Any, target: Any) -> None:
    """Write a PNG without the figure's margin, to a path or a binary file.

    `savefig(bbox_inches="tight")` draws once to measure and once to write. Here the margin is cut off the
    pixels, and only a figure that something sticks out of is drawn again.
    """
    dpi = figure.dpi
    figure.dpi = _DPI
    try:
        box = _draw(figure)
        if box is None or not _write_inside(figure, box, target):
            bbox = "tight" if box is None else box
            figure.savefig(target, format="png", dpi=_DPI, bbox_inches=bbox, pil_kwargs=_PNG)
    finally:
        figure.dpi = dpi


def _draw(figure: Any) -> Any:
    """Draw, and return the box around all that is drawn, in inches; None for `savefig` to do all of it."""
    settings, canvas = sys.modules["matplotlib"].rcParams, figure.canvas
    special = settings["savefig.transparent"] or settings["savefig.facecolor"] != "auto"
    if special or not hasattr(canvas, "buffer_rgba"):
        return None
    canvas.draw()
    return figure.get_tightbbox(canvas.get_renderer()).padded(settings["savefig.pad_inches"])


def _write_inside(figure: Any, box: Any, target: Any) -> bool:
    """Write the pixels inside the box; False when it reaches beyond the figure."""
    pixels = sys.modules["numpy"].asarray(figure.canvas.buffer_rgba())
    height, width, _ = pixels.shape
    left, right = math.floor(box.x0 * _DPI), math.ceil(box.x1 * _DPI)
    top, bottom = height - math.ceil(box.y1 * _DPI), height - math.floor(box.y0 * _DPI)
    if min(left, top) < 0 or right > width or bottom > height:
        return False
    inside = pixels[top:bottom, left:right]
    sys.modules["matplotlib.image"].imsave(target, inside, format="png", dpi=_DPI, pil_kwargs=_PNG)
    return True


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
