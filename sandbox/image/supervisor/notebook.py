"""Notebook habits: magics, shell lines and Markdown fences in a program, `display`, and IPython's module."""

from __future__ import annotations

import importlib.abc
import re
import sys
import types
from importlib.machinery import ModuleSpec

from . import figures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_FENCE = re.compile(r"^\s*(```|~~~)")
_SPECIAL = re.compile(r"^(\s*)(%%?|!)\s*(.*?)\s*$")
_TIMED = re.compile(r"(?:time|timeit(?:\s+-\S+(?:\s+\d+)?)*)\s+(.+)")
_NAMES = ("IPython", "IPython.display", "IPython.core.display")


def to_python(source: str) -> str:
    """The same lines as plain Python: what is not code becomes an empty line or `pass`."""
    lines = source.splitlines()
    if any(_FENCE.match(line) for line in lines):
        lines = _inside_fences(lines)
    return "\n".join(map(_plain, lines)) + "\n"


def display(*things: object, **_options: object) -> None:
    """Print each thing as a cell would; save a figure or an image in /work."""
    for thing in things:
        if type(thing).__module__.startswith(("matplotlib.figure", "PIL.")):
            figures.save(thing)
        else:
            print(thing if isinstance(thing, str) else repr(thing))


def watch() -> None:
    """Make `import IPython.display` work: what it has is made when a program imports it."""
    sys.meta_path.append(_Finder())


def _inside_fences(lines: list[str]) -> list[str]:
    inside, kept = False, []
    for line in lines:
        fence = bool(_FENCE.match(line))
        inside = inside != fence
        kept.append(line if inside and not fence else "")
    return kept


def _plain(line: str) -> str:
    if (special := _SPECIAL.match(line)) is None:
        return line
    indent, sign, rest = special.groups()
    if sign == "!" or re.match(r"pip3?\s", rest):
        return f"{indent}_ = __import__('subprocess').run({rest!r}, shell=True)"
    timed = _TIMED.fullmatch(rest) if sign == "%" else None
    return f"{indent}{timed[1] if timed else 'pass'}"


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if fullname in _NAMES else None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType | None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        words = dict.fromkeys(("HTML", "Markdown", "Latex", "Code"), str)
        vars(module).update(
            words,
            display=display,
            clear_output=lambda *_args, **_kwargs: None,
            get_ipython=lambda: None,
            version_info=(9, 0, 0),  # matplotlib asks whether it must set IPython up
        )
