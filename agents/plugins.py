"""Tools that a team installs: functions behind the entry point group `handoff.tools`.

A plain function with types and a docstring is a tool: its name, text and parameters are what the model sees.
Owns finding them and what they may be. Never runs one at import, and names each that can't be used.
"""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_type_hints

from agents.errors import ToolConfigError
from agents.team_tools import TeamTool
from agents.tools import Tool
from agents.tools_file import ToolPolicy
from agents.wire.assembler import spelled
from sandbox.daemon_threads import run_in_thread

GROUP = "handoff.tools"
#: Names of the tools that every worker has.
_TAKEN = ("execute_python_code", "report")


def load_plugins(
    terms: Mapping[str, ToolPolicy], points: Iterable[EntryPoint] | None = None
) -> list[TeamTool]:
    """The functions of all installed packages, in the order of their names.

    Raises `ToolConfigError` with a sentence for each that can't be a tool, and for terms of one that is not
    there: a misspelled name must not leave a tool without its question.
    """
    found: dict[str, TeamTool] = {}
    problems: list[str] = []
    for point in entry_points(group=GROUP) if points is None else points:
        try:
            tool = _tool(point.load())
        except (Exception, SystemExit) as error:  # noqa: BLE001 (a package of somebody else)
            problems.append(_broken(point, error))
            continue
        if tool.name in found:
            problems.append(f"Two installed packages have a tool {tool.name}. Remove one of them.")
        found[tool.name] = TeamTool(tool, ask_first=terms.get(tool.name, ToolPolicy()).ask_first)
    problems += [
        f"HANDOFF_TOOLS_FILE has terms for the function {name}, which no installed package brings."
        for name in terms
        if name not in found
    ]
    if problems:
        raise ToolConfigError(tuple(problems))
    return [found[name] for name in sorted(found)]


def _tool(function: object) -> Tool:
    if not inspect.isroutine(function):
        raise TypeError("it is no function")
    if not inspect.getdoc(function):
        raise TypeError("it has no docstring to tell the model what it does")
    hints = get_type_hints(function)
    for parameter in inspect.signature(function).parameters.values():
        _check(parameter, is_typed=parameter.name in hints)
    tool = Tool.from_function(_awaitable(function))
    if tool.name in _TAKEN:
        raise TypeError(f"every worker has a tool {tool.name} already")
    if spelled(tool.name) != tool.name:
        raise TypeError(f"its name is {tool.name}, and model services take 64 of the characters a-zA-Z0-9_-")
    return tool


def _check(parameter: inspect.Parameter, *, is_typed: bool) -> None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise TypeError(f"its parameter {parameter.name} takes any number of arguments")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise TypeError(f"its parameter {parameter.name} can't be given by name")
    if not is_typed:
        raise TypeError(f"its parameter {parameter.name} has no type")


def _awaitable(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as tools are: awaited, and with words as its result."""

    @functools.wraps(function)
    async def call(**arguments: Any) -> str:
        if inspect.iscoroutinefunction(function):
            result = await function(**arguments)
        else:
            # It may never return, and the loop's few threads are for calls that do.
            result = await run_in_thread(functools.partial(function, **arguments), function.__name__)
            if inspect.isawaitable(result):  # a coroutine behind a decorator that is none
                result = await result
        return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)

    return call


def _broken(point: EntryPoint, error: BaseException) -> str:
    package = f" of the package {point.dist.name}" if point.dist else ""
    why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"The tool {point.name}{package} ({point.value}) can't be used: {why}. Correct or remove it."
