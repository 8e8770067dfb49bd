"""How pandas behaves in a program: wide tables, and an error where copy-on-write would change nothing."""

from __future__ import annotations

from . import imports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_COLUMNS, _WIDTH = 40, 240  # a model reads long lines, and guesses columns that it is not shown


def watch() -> None:
    """Set pandas up, now or when it is imported later."""
    imports.after("pandas", _hook)


def _hook(pandas: Any) -> None:
    pandas.set_option("display.max_columns", _COLUMNS)
    pandas.set_option("display.width", _WIDTH)
    pandas.set_option("io.excel.xlsx.reader", "openpyxl")  # the default, which each read would warn about
    warning = getattr(pandas.errors, "ChainedAssignmentError", None)

    def refuse(kind: Any, *arguments: object) -> NoReturn:
        raise Warning.__new__(kind, *arguments)

    # Raised where it is made and not by a filter: many programs ignore all warnings.
    if warning is not None:
        warning.__new__ = refuse
