"""Tool calls in Python's form: Llama's `[look(word="a")]`, Gemma's `tool_code`, and what small models do."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection

from agents.conversation import Json

_FENCE = re.compile(r"```(?:tool_code|tool_call|python)?\s*\n(.*?)\n?\s*```", re.DOTALL)
#: What `ast` raises for text that is no Python, or is nested too deeply.
_NO_PYTHON = (SyntaxError, ValueError, TypeError, RecursionError, MemoryError)
Call = tuple[str, Json]


def python_calls(text: str, tools: Collection[str]) -> list[Call]:
    """The names and arguments of calls of these tools; empty unless the whole text is calls with literals for
    named arguments."""
    fenced = _FENCE.fullmatch(text.strip())
    source = (fenced[1] if fenced else text).strip()
    begin = re.match(r"\[?\s*(?:print\(\s*)?(\w+)\s*\(", source)
    if not begin or begin[1] not in tools:
        return []
    try:
        calls = [_call(node) for statement in _statements(source) for node in _items(statement)]
    except _NO_PYTHON:
        return []
    return calls if all(name in tools for name, _ in calls) else []


def assignments(text: str) -> Json | None:
    """The values of assignments of literals, by name; None when the text is anything else."""
    try:
        return dict(map(_assigned, _statements(text)))
    except _NO_PYTHON:
        return None


def is_python(text: str) -> bool:
    """Whether a text is Python with at least one statement."""
    try:
        return bool(_statements(text))
    except _NO_PYTHON:
        return False


def _statements(source: str) -> list[ast.stmt]:
    with warnings.catch_warnings(action="ignore"):  # of escapes in the model's strings
        return ast.parse(source).body


def _items(statement: ast.stmt) -> list[ast.expr]:
    if not isinstance(statement, ast.Expr):
        raise TypeError("no expression")
    value = statement.value
    return value.elts if isinstance(value, ast.List | ast.Tuple) else [value]


def _call(node: ast.expr) -> Call:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise TypeError("no call")
    if node.func.id == "print" and len(node.args) == 1:
        return _call(node.args[0])
    if node.args:
        raise TypeError("an argument without its name")
    return node.func.id, {str(one.arg): ast.literal_eval(one.value) for one in node.keywords}


def _assigned(statement: ast.stmt) -> tuple[str, object]:
    if not isinstance(statement, ast.Assign) or not isinstance(target := statement.targets[0], ast.Name):
        raise TypeError("no assignment to a name")
    return target.id, ast.literal_eval(statement.value)
