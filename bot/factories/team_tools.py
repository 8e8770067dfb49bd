"""The team's own tools as the settings describe them: installed functions and MCP servers.

Never runs a tool, and imports what speaks to MCP servers only where there are some.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec

from agents.errors import ToolConfigError
from agents.plugins import load_plugins
from agents.team_tools import TeamTool, Toolbox
from agents.tools_file import ToolsFile, load, tool_name
from bot.settings import Settings

_NO_MCP = (
    "HANDOFF_TOOLS_FILE names MCP servers, and the package mcp is not installed. "
    "Install Handoff with it: pip install 'handoff[mcp]'."
)


def tool_problems(settings: Settings) -> tuple[str, ...]:
    """Everything that keeps the team's tools from being used, a sentence each."""
    try:
        file = _file(settings, os.environ)
    except ToolConfigError as refused:
        return refused.problems
    without = [_NO_MCP] if file.servers and find_spec("mcp") is None else []
    try:
        load_plugins(file.functions)
    except ToolConfigError as refused:
        return (*without, *refused.problems)
    return tuple(without)


@asynccontextmanager
async def make_toolbox(settings: Settings) -> AsyncIterator[Toolbox]:
    """The tools, with the servers connected. Raises `ToolConfigError` for what `tool_problems` tells."""
    file = _file(settings, os.environ)
    functions = load_plugins(file.functions)
    if not file.servers:
        yield lambda: functions
        return
    from agents.mcp import McpServers

    async with McpServers(file.servers) as servers:
        yield lambda: [*functions, *servers.tools()]


def lacking(settings: Settings, tools: Sequence[TeamTool]) -> list[str]:
    """The tools that the file allows and that are not there, because their server is not or has none such."""
    there = {one.tool.name for one in tools}
    wanted = [
        tool_name(server, name)
        for server, terms in _file(settings, os.environ).servers.items()
        for name in terms.tools
    ]
    return [name for name in wanted if name not in there]


def _file(settings: Settings, environ: Mapping[str, str]) -> ToolsFile:
    return load(settings.tools_file, environ) if settings.tools_file else ToolsFile()
