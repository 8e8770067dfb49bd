"""Loads the team's tools by the settings: installed functions and MCP servers.

The MCP client is imported only where the tools file names servers.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec

import structlog

from agents.errors import ToolConfigError
from agents.tools.plugins import load_plugins
from agents.tools.team_tools import TeamTool, Toolbox, not_offered, offered
from agents.tools.tools_file import ToolsFile, load_tools_file
from bot.settings import Settings
from bot.settings.redaction import redactor

log = structlog.get_logger(__name__)

_NO_MCP = (
    "HANDOFF_TOOLS_FILE names MCP servers, and the package mcp is not installed. "
    "Install Handoff with it: pip install 'handoff[mcp]'."
)


def tool_problems(settings: Settings) -> tuple[str, ...]:
    """What is wrong with the team's tools, a sentence each."""
    try:
        file = read_tools_file(settings)
    except ToolConfigError as error:
        return error.problems
    missing = [_NO_MCP] if file.servers and find_spec("mcp") is None else []
    try:
        load_plugins(file.ask_first, file.tool_names())
    except ToolConfigError as error:
        return (*missing, *error.problems)
    return tuple(missing)


def known_tools(settings: Settings) -> frozenset[str]:
    """The names of all tools that workers may be given. Raises `ToolConfigError` with `tool_problems`."""
    file = read_tools_file(settings)
    plugins = load_plugins(file.ask_first, file.tool_names())
    return frozenset([*(one.tool.name for one in plugins), *file.tool_names()])


@asynccontextmanager
async def make_toolbox(settings: Settings) -> AsyncIterator[Toolbox]:
    """The tools, with the servers connected. Raises `ToolConfigError` with `tool_problems`."""
    file = read_tools_file(settings)
    functions = load_plugins(file.ask_first, file.tool_names())
    if not file.servers:
        yield lambda: offered(functions)
        return
    from agents.tools.mcp import McpServers

    async with McpServers(file) as servers:
        for why in not_offered([*functions, *servers.tools()]):
            log.warning("too many tools", why=why)
        yield lambda: offered([*functions, *servers.tools()])


async def try_tools(settings: Settings) -> tuple[Sequence[TeamTool], Sequence[str]]:
    """The tools that can be had now, and a sentence for each server that can't be started or lacks one.

    Raises `ToolConfigError` with `tool_problems`.
    """
    file = read_tools_file(settings)
    async with asyncio.TaskGroup() as group:
        servers = [name for name, server in file.servers.items() if not server.disabled]
        redact = redactor(settings.secrets)
        tried = [group.create_task(_try_server(file, name, redact)) for name in servers]
    tools = list(load_plugins(file.ask_first, file.tool_names()))
    problems: list[str] = []
    for one in tried:
        tools += one.result()[0]
        problems += one.result()[1]
    return offered(tools), [*problems, *not_offered(tools)]


async def _try_server(
    file: ToolsFile, name: str, redact: Callable[[str], str]
) -> tuple[Sequence[TeamTool], Sequence[str]]:
    from agents.tools.mcp import McpServers

    only = file.model_copy(update={"servers": {name: file.servers[name]}, "allow": {name: file.allow[name]}})
    lines: list[str] = []
    async with McpServers(only, on_stderr=lambda _, line: lines.append(line)) as servers:
        tools, failures, left_out = servers.tools(), servers.failures(), servers.left_out()
    if failures:
        why = redact(lines[-1] if lines else failures[0])
        return (), [f"the server {name} can't be used: {why.rstrip('.')}."]
    present = {one.tool.name for one in tools}
    missing = [tool for tool in only.tool_names() if tool not in present and tool not in left_out]
    problems = [f"the tool {tool} is left out: {why}." for tool, why in left_out.items()]
    return tools, [*problems, *([f"the server {name} has no {', '.join(missing)}."] if missing else [])]


def read_tools_file(settings: Settings) -> ToolsFile:
    """The tools file, or an empty one. Raises `ToolConfigError` with all that is wrong with it."""
    return load_tools_file(settings.tools_file, os.environ) if settings.tools_file else ToolsFile()
