"""Loads the team's tools by the settings: installed functions and MCP servers.

The MCP client is imported only where the tools file names servers.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec

from agents.errors import ToolConfigError
from agents.plugins import load_plugins
from agents.team_tools import TeamTool, Toolbox
from agents.tools_file import ToolsFile, load_tools_file
from bot.settings import Settings

_NO_MCP = (
    "HANDOFF_TOOLS_FILE names MCP servers, and the package mcp is not installed. "
    "Install Handoff with it: pip install 'handoff[mcp]'."
)


def tool_problems(settings: Settings) -> tuple[str, ...]:
    """Everything that keeps the team's tools from being used, a sentence each."""
    try:
        file = _read_file(settings)
    except ToolConfigError as error:
        return error.problems
    missing = [_NO_MCP] if file.servers and find_spec("mcp") is None else []
    try:
        load_plugins(file.ask_first, file.tool_names())
    except ToolConfigError as error:
        return (*missing, *error.problems)
    return tuple(missing)


@asynccontextmanager
async def make_toolbox(settings: Settings) -> AsyncIterator[Toolbox]:
    """The tools, with the servers connected. Raises `ToolConfigError` with `tool_problems`."""
    file = _read_file(settings)
    functions = load_plugins(file.ask_first, file.tool_names())
    if not file.servers:
        yield lambda: functions
        return
    from agents.mcp import McpServers

    async with McpServers(file) as servers:
        yield lambda: [*functions, *servers.tools()]


def missing_tools(settings: Settings, tools: Sequence[TeamTool]) -> list[str]:
    """The allowed tools that are missing, because their server is down or has none of that name."""
    present = {one.tool.name for one in tools}
    return [name for name in _read_file(settings).tool_names(with_disabled=False) if name not in present]


def _read_file(settings: Settings) -> ToolsFile:
    return load_tools_file(settings.tools_file, os.environ) if settings.tools_file else ToolsFile()
