"""Search in a team's tools: a worker with many of them is sent those that it looks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agents.tools import Tool, ToolOutput
from agents.tools.team_tools import SENT_WHOLE, TeamTool
from text.excerpt import excerpt, one_line
from text.matching import best_matches

_MOST_FOUND = 8
#: Characters of a found tool's description; its whole one comes with its schema.
_ABOUT = 200
#: Characters of the list of names.
_NAMES = 2_000
_TYPES = {
    "string": "str", "integer": "int", "number": "float",
    "boolean": "bool", "array": "list", "object": "dict",
}  # fmt: skip


class ToolSearch:
    """The team's tools as one worker is sent them."""

    def __init__(self, team_tools: Sequence[TeamTool], brief: str) -> None:
        """Of more than `SENT_WHOLE` tools, those are sent at once that `brief` names."""
        named = set(re.findall(r"\w[\w-]*", brief)) if len(team_tools) > SENT_WHOLE else None
        self.tools = [
            one if named is None else replace(one, tool=_found_only(one.tool, named)) for one in team_tools
        ]
        self._found_only = {one.tool.name: one for one in self.tools if one.tool.is_found_only}

    def search(self) -> list[Tool]:
        """`find_tool`, where it can find something."""
        if not self._found_only:
            return []
        tool = Tool.from_function(self.find_tool)
        names = excerpt(", ".join(self._found_only), _NAMES)
        return [replace(tool, description=f"{tool.description}\nThe tools are: {names}")]

    async def find_tool(self, query: str) -> ToolOutput:
        """Find more tools of the team. You can call what is found from your next turn on.

        Args:
            query: What is to be done, in a few words.
        """
        abouts = {name: one.tool.description for name, one in self._found_only.items()}
        found = best_matches(query, abouts, _MOST_FOUND)
        if not found:
            return ToolOutput("No tool fits. Search with words of the tools' names.")
        return ToolOutput("\n".join(_line(self._found_only[name]) for name in found), {"offers": found})


def sent(tools: Sequence[Tool], offers: Iterable[str]) -> list[Tool]:
    """The tools to send in a request: the found ones at the end, in the order in which they were found, so
    that the requests before share a beginning with it."""
    by_name = {tool.name: tool for tool in tools if tool.is_found_only}
    found = [by_name[name] for name in dict.fromkeys(offers) if name in by_name]
    return [tool for tool in tools if not tool.is_found_only] + found


def signature(tool: Tool) -> str:
    """The tool as a Python function: `glossary_look_up(word: str, times: int = 1)`."""
    required = tool.schema.get("required", ())
    arguments = [
        f"{name}: {_type(about)}" + ("" if name in required else f" = {about.get('default')!r}")
        for name, about in tool.schema.get("properties", {}).items()
    ]
    return f"{tool.name}({', '.join(arguments)})"


def _found_only(tool: Tool, named: set[str]) -> Tool:
    return replace(tool, is_found_only=tool.name not in named)


def _line(one: TeamTool) -> str:
    asks = " (a person has to allow each call)" if one.ask_first else ""
    return f"- {signature(one.tool)}{asks}: {one_line(one.tool.description, _ABOUT)}"


def _type(about: Mapping[str, Any]) -> str:
    kind = about.get("type")
    return _TYPES.get(kind, "Any") if isinstance(kind, str) else "Any"
