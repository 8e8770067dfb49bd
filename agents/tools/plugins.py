"""Tools from installed packages: functions behind the entry point group `handoff.tools`.

A plain function with types and a docstring is a tool: its name, text and parameters are what the model sees.
"""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_type_hints

from agents.errors import ToolConfigError
from agents.tools import Tool
from agents.tools.schema import safe_name
from agents.tools.team_tools import TAKEN, TeamTool
from sandbox.daemon_threads import run_in_thread

GROUP = "handoff.tools"


def load_plugins(
    ask_first: Collection[str] = (), taken: Collection[str] = (), points: Iterable[EntryPoint] | None = None
) -> list[TeamTool]:
    """The functions of all installed packages, in the order of their names.

    `taken` are the names of other tools. Raises `ToolConfigError` with a sentence for each function that
    can't be a tool, and for names in `ask_first` that no tool has.
    """
    found: dict[str, TeamTool] = {}
    problems: list[str] = []
    for point in _installed(tuple(sys.path)) if points is None else points:
        try:
            tool = _tool(point.load())
        except (Exception, SystemExit) as error:  # noqa: BLE001 (the code of another package)
            problems.append(_unusable(point, error))
            continue
        if tool.name in found:
            problems.append(f"Two installed packages have a tool {tool.name}. Remove one of them.")
        if tool.name in taken:
            problems.append(f"A package and an MCP server have a tool {tool.name}. Remove one of them.")
        found[tool.name] = TeamTool(tool, ask_first=tool.name in ask_first)
    problems += [
        f"HANDOFF_TOOLS_FILE has {name} in ask_first, which is neither a tool in allow (SERVER_TOOL) nor an "
        "installed function."
        for name in ask_first
        if name not in found and name not in taken
    ]
    if problems:
        raise ToolConfigError(tuple(problems))
    return [found[name] for name in sorted(found)]


@functools.cache
def _installed(_path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """The entry points of all packages on `sys.path`. The search reads a hundred files."""
    return tuple(entry_points(group=GROUP))


def _tool(function: object) -> Tool:
    if not inspect.isroutine(function):
        raise TypeError("it is not a function")
    if not inspect.getdoc(function):
        raise TypeError("it has no docstring, which the model reads")
    hints = get_type_hints(function)
    for parameter in inspect.signature(function).parameters.values():
        _check(parameter, is_typed=parameter.name in hints)
    tool = Tool.from_function(_awaitable(function))
    if tool.name in TAKEN:
        raise TypeError(f"every worker has a tool {tool.name} already")
    if safe_name(tool.name) != tool.name:
        raise TypeError(f"its name is {tool.name}, and model services take 64 of the characters a-zA-Z0-9_-")
    return replace(tool, is_optional=True)


def _check(parameter: inspect.Parameter, *, is_typed: bool) -> None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise TypeError(f"its parameter {parameter.name} takes any number of arguments")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise TypeError(f"its parameter {parameter.name} can't be given by name")
    if not is_typed:
        raise TypeError(f"its parameter {parameter.name} has no type")


def _awaitable(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a coroutine function that returns text."""

    @functools.wraps(function)
    async def call(**arguments: Any) -> str:
        if inspect.iscoroutinefunction(function):
            result = await function(**arguments)
        else:
            # It may block for ever, and the event loop has few threads.
            result = await run_in_thread(functools.partial(function, **arguments), function.__name__)
            if inspect.isawaitable(result):  # a coroutine function behind a plain decorator
                result = await result
        return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)

    return call


def _unusable(point: EntryPoint, error: BaseException) -> str:
    package = f" of the package {point.dist.name}" if point.dist else ""
    why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"The tool {point.name}{package} ({point.value}) can't be used: {why}. Correct or remove it."
