"""Tools of MCP servers: each server is connected to once per process, its allowed tools are lent to workers.

Owns the connections and what a server's answers come to for a model. A server that goes away costs its tools
until it is back, never a task. Never offers a tool that the operator did not allow by name.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import httpx2
import pydantic
import structlog
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.session import IncomingMessage
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp_types import (
    INVALID_PARAMS,
    REQUEST_TIMEOUT,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolListChangedNotification,
)
from mcp_types import Tool as Offered

from agents.conversation import Json
from agents.errors import ToolFailure
from agents.excerpt import excerpt, one_line
from agents.team_tools import TeamTool
from agents.tools import Tool
from agents.tools_file import McpServer, tool_name

log = structlog.get_logger(__name__)

#: Seconds that a server may take to be there; at the start, all are waited for so long.
CONNECT = 30.0
#: Seconds before another try to connect, doubled for each further one up to the longest.
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
#: Seconds that an open stream of a server may be silent, beyond those that a call may take.
_SILENCE = 300.0
#: Pages of a list of tools, and characters of a description: a server may be wrong or hostile.
_PAGES, _DESCRIPTION = 20, 2_000
#: Errors that are about the call; after any other the connection is made anew.
_ABOUT_THE_CALL = (INVALID_PARAMS, REQUEST_TIMEOUT)


class Connection:
    """One server, connected again whenever it was lost."""

    def __init__(self, name: str, server: McpServer) -> None:
        self._name = name
        self._server = server
        self._client: Client | None = None
        self._lost = asyncio.Event()
        self._changed = asyncio.Event()
        self._missing: list[str] = []
        self.tried = asyncio.Event()
        """Set when the first try to connect is over, whatever came of it."""
        self.tools: Sequence[TeamTool] = ()
        """The tools that workers may call; none until it was connected once."""

    async def live(self) -> None:
        """Stay connected until cancelled."""
        wait = FIRST_WAIT
        while True:
            try:
                async with self._connected():
                    wait = FIRST_WAIT
                    await self._lost.wait()
            except Exception as error:  # noqa: BLE001 (a program of somebody else, over a library's transports)
                log.warning("tool server can't be had, tried again later", server=self._name, why=_why(error))
            self.tried.set()
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        async with asyncio.timeout(CONNECT) as limit, self._open() as client, asyncio.TaskGroup() as group:
            await self._look(client)
            limit.reschedule(None)
            log.info("tool server connected", server=self._name, tools=[t.tool.name for t in self.tools])
            self._lost.clear()
            self._client = client
            self.tried.set()
            heeding = group.create_task(self._heed(client))
            try:
                yield
            finally:
                self._client = None
                heeding.cancel()

    async def _look(self, client: Client) -> None:
        self.tools = self._allowed(await _all_tools(client))

    async def _heed(self, client: Client) -> None:
        """Look at the tools anew whenever the server says that they have changed."""
        try:
            await self._listen(client)
        except ListenNotSupportedError:  # before 2026-07-28 a server says so without being asked
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._look(client)
        except (MCPError, TimeoutError) as error:
            log.info("tool server tells of no changes", server=self._name, why=_why(error))

    async def _listen(self, client: Client) -> None:
        while True:
            try:
                async with client.listen(tools_list_changed=True) as changes:
                    await self._look(client)  # what changed until now is not told
                    async for _ in changes:
                        await self._look(client)
                return
            except SubscriptionLost:  # a stream over HTTP that was silent for long
                await asyncio.sleep(LONGEST_WAIT)

    async def _heard(self, message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._changed.set()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Client]:
        server = self._server
        if server.command:
            program = StdioServerParameters(command=server.command, args=server.args, env=server.env)
            async with Client(program, read_timeout_seconds=CONNECT, message_handler=self._heard) as client:
                yield client
            return
        async with (
            httpx2.AsyncClient(
                headers=server.headers, timeout=httpx2.Timeout(CONNECT, read=_SILENCE + server.seconds)
            ) as http,
            Client(
                streamable_http_client(server.url, http_client=http),
                read_timeout_seconds=CONNECT,
                message_handler=self._heard,
            ) as client,
        ):
            yield client

    def _allowed(self, offered: Sequence[Offered]) -> list[TeamTool]:
        found = {tool.name: tool for tool in offered}
        missing = sorted(set(self._server.tools) - set(found))
        if missing and missing != self._missing:
            log.warning("tool server lacks tools that HANDOFF_TOOLS_FILE allows", server=self._name,
                        missing=missing, has=sorted(found))  # fmt: skip
        self._missing = missing
        return [
            TeamTool(self._tool(found[name]), ask_first=terms.ask_first)
            for name, terms in sorted(self._server.tools.items())
            if name in found
        ]

    def _tool(self, offered: Offered) -> Tool:
        async def call(arguments: Json) -> str:
            return await self._call(offered.name, arguments)

        name = tool_name(self._name, offered.name)
        description = excerpt(offered.description or offered.title or offered.name, _DESCRIPTION)
        return Tool.from_schema(name, description, offered.input_schema, call)

    async def _call(self, tool: str, arguments: Json) -> str:
        client = self._client
        if client is None:
            raise ToolFailure(f"the server {self._name} is away. Go on without it, or try again later")
        try:
            result = await client.call_tool(tool, arguments, read_timeout_seconds=self._server.seconds)
        except Exception as error:
            if isinstance(error, MCPError) and error.code in _ABOUT_THE_CALL:
                raise ToolFailure(error.message) from error
            if isinstance(error, pydantic.ValidationError) or _is_about_the_form(error):
                raise ToolFailure(
                    f"the server {self._name} carried the call out, but its answer has not the form that it "
                    f"promises: {one_line(str(error), 1_000)}"
                ) from error
            log.warning("tool server lost", server=self._name, tool=tool, why=_why(error))
            self._lost.set()
            said = f" ({error.message})" if isinstance(error, MCPError) else ""
            raise ToolFailure(
                f"the server {self._name} broke off{said}, so nobody knows how far the call came. "
                "Find out before you send it again"
            ) from error
        if result.is_error:
            raise ToolFailure(_text(result) or "the tool failed without a word")
        return _text(result)


class McpServers:
    """All servers of a tools file. An async context manager: inside it they are connected, as far as they
    can be had."""

    def __init__(self, servers: Mapping[str, McpServer]) -> None:
        self._connections = [Connection(name, server) for name, server in sorted(servers.items())]
        self._group = asyncio.TaskGroup()
        self._living: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._living = [self._group.create_task(one.live()) for one in self._connections]
        try:
            for one in self._connections:
                await one.tried.wait()
        except asyncio.CancelledError:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave()

    async def _leave(self) -> None:
        for living in self._living:
            living.cancel()
        await self._group.__aexit__(None, None, None)

    def tools(self) -> Sequence[TeamTool]:
        """The tools of all servers, always in the same order."""
        return [tool for one in self._connections for tool in one.tools]


async def _all_tools(client: Client) -> list[Offered]:
    found: list[Offered] = []
    cursor = None
    for _ in range(_PAGES):
        page = await client.list_tools(cursor=cursor, cache_mode="refresh")
        found += page.tools
        cursor = page.next_cursor
        if not cursor:
            break
    return found


def _text(result: CallToolResult) -> str:
    """A result's words, or its fields where it has no words; what is neither is named, so that nobody takes
    it for nothing."""
    if not result.content and result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return "\n".join(map(_words, result.content))


def _words(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case EmbeddedResource(resource=TextResourceContents() as file):
            return f"[{file.uri}]\n{file.text}"
        case EmbeddedResource():
            return f"[{block.resource.uri} ({block.resource.mime_type or 'no text'}), left out]"
        case ResourceLink():
            return f"[{block.name}: {block.uri}]"
    return f"[{block.type} ({block.mime_type}), left out]"


def _is_about_the_form(error: Exception) -> bool:
    """Whether the library holds a whole answer against the schema that the server gave for it."""
    return isinstance(error, RuntimeError) and ("structured content" in str(error) or "schema" in str(error))


def _why(error: BaseException) -> str:
    """The first cause, of those that a library's task groups have wrapped."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
