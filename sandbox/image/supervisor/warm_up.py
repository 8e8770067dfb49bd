"""What a container has imported and built before its call."""

from __future__ import annotations

import contextlib
import gc

from . import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What the first use of these imports and builds: half a second that no call should wait for.
_DATA = """
import io, numpy, pandas, matplotlib.pyplot
frame = pandas.DataFrame({"word": ["a", "b"], "number": [1, 2.5]})
repr(frame), frame.groupby("word").sum(), frame.describe(), pandas.read_csv(io.StringIO("a,b\\n1,2"))
figure, axes = matplotlib.pyplot.subplots()
axes.plot([1, 2], label="a")
axes.legend()
write(figure, io.BytesIO())
matplotlib.pyplot.close(figure)
"""


def before_fork(flavour: str) -> None:
    """In the supervisor: what the child then shares with it, page by page until it touches one."""
    if flavour != "data":
        _interpreter()


def in_child(flavour: str) -> None:
    """In the child: what is so much that the program would spend its time copying pages."""
    if flavour != "data":
        return
    figures = _interpreter()
    with contextlib.suppress(Exception):  # a team's own image may lack them; the program then says so
        exec(_DATA, {"__name__": "warm", "write": figures.write})
    gc.collect()
    kernel.trim_memory()
    gc.freeze()  # no later collection looks at all of it


def _interpreter() -> Any:
    """What every program needs."""
    from . import figures, notebook, packages, program, tables  # noqa: F401 the child uses the others

    figures.watch_fonts()
    program.warm()
    return figures
