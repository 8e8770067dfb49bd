"""The team's tools for programs: a module that calls them, and the answers to its calls."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from importlib.resources import files

from agents.conversation import Json, ToolCall
from agents.errors import ToolFailure
from agents.tools.team_tools import TeamTool

FILE = "handoff_tools.py"
"""In `/work`, where programs import from."""
HOST = "handoff-tools.internal"
_DESCRIPTION = (
    "Programs can call the team's tools, too: from handoff_tools import {name}; {name}(…) with keyword "
    "arguments returns the text of the result."
)
_ASKS_FIRST = "A person has to allow each call of {name}, so a program can't make it. Call it as a tool."


class CodeTools:
    """The tools that the programs of one worker can call."""

    def __init__(self, tools: Sequence[TeamTool]) -> None:
        self._tools = {one.tool.name: one for one in tools}
        self.calls: list[Json] = []
        """The calls of the current program: tool, whether it answered, and characters of the result."""

    @property
    def description(self) -> str:
        """A line for the description of `execute_python_code`; empty without tools."""
        callable_ = [name for name, one in self._tools.items() if not one.ask_first]
        return _DESCRIPTION.format(name=callable_[0]) if callable_ else ""

    def module(self) -> bytes:
        """The module for `/work`."""
        stub = files("agents.tools").joinpath("handoff_tools.txt").read_text("utf-8")
        abouts = {name: one.tool.description for name, one in self._tools.items() if not one.ask_first}
        return stub.replace("{}  # by name", json.dumps(abouts), 1).encode()

    async def answer(self, name: str, arguments: bytes) -> tuple[int, str]:
        """Run one call: an HTTP status, and the result or what to send instead."""
        one = self._tools.get(name)
        if one is None:
            return (
                HTTPStatus.NOT_FOUND,
                f"There is no tool {name[:100]}.",
            )
        if one.ask_first:
            return HTTPStatus.FORBIDDEN, _ASKS_FIRST.format(name=name)
        call = ToolCall(id=uuid.uuid4().hex, name=name, arguments=arguments.decode("utf-8", "replace"))
        try:
            text, status = (await one.tool.call(call)).text, HTTPStatus.OK
        except ToolFailure as failure:
            text, status = str(failure), HTTPStatus.UNPROCESSABLE_ENTITY
        self.calls.append({"tool": name, "answered": status is HTTPStatus.OK, "characters": len(text)})
        return status, text
