"""Settings that are limits of another room: the room declares bounds, default and docstring, once."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from functools import cache
from itertools import pairwise
from typing import Any, get_type_hints

from pydantic import Field
from pydantic.fields import FieldInfo


def declared(owner: type, name: str, *, unit: int = 1) -> Any:
    """A settings field with the bounds, the default and the docstring of `owner`'s dataclass field `name`.

    `unit` is the setting's unit in the room's: 86,400 for a setting in days of a limit in seconds.
    """
    default = next(field.default for field in fields(owner) if field.name == name)
    annotated = FieldInfo.from_annotation(_types(owner)[name])
    bounds = {
        bound: _scaled(getattr(rule, bound), unit)
        for rule in annotated.metadata
        for bound in ("ge", "gt", "le")
        if hasattr(rule, bound)
    }
    return Field(default=_scaled(default, unit), description=_docstrings(owner)[name], **bounds)


def _scaled(value: Any, unit: int) -> Any:
    """Whole numbers stay whole, as people read them in the documents."""
    return value if unit == 1 else value // unit if value % unit == 0 else value / unit


@cache
def _types(owner: type) -> dict[str, Any]:
    return get_type_hints(owner, include_extras=True)


@cache
def _docstrings(owner: type) -> dict[str, str]:
    """The text below each field, which Python itself does not keep."""
    (definition,) = ast.parse(inspect.getsource(owner)).body
    assert isinstance(definition, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(str(text.value.value))
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }
