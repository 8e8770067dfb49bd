"""Sessions with MCP servers, one per server and process, and their allowed tools.

A server that is down takes its tools with it until a reconnect; tasks go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Self

import httpx2
import pydantic
import structlog
from mcp import Client, MCPError, StdioServerParameters
from mcp.client import IncomingMessage, Transport
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp_types import (
    INVALID_PARAMS,
    REQUEST_TIMEOUT,
    ToolListChangedNotification,
)
from mcp_types import Tool as Offered

from agents.conversation import Json
from agents.errors import ToolFailure
from agents.tools import Tool, ToolOutput
from agents.tools.mcp_results import result_pictures, result_text
from agents.tools.stderr_log import StderrLog, log_line
from agents.tools.team_tools import TeamTool
from agents.tools.tools_file import McpServer, ToolsFile, tool_name
from text.excerpt import excerpt, one_line

log = structlog.get_logger(__name__)

#: Seconds to connect to a server; the start waits that long for all of them.
CONNECT_SECONDS = 30.0
#: Seconds before a reconnect, doubled for each further one up to the maximum.
FIRST_WAIT, MAX_WAIT = 1.0, 60.0
#: Seconds that an open stream of a server may be silent, beyond those that a call may take.
_SILENCE_SECONDS = 300.0
#: Pages of a list of tools, and characters of a description: a server may be wrong or hostile.
_MAX_PAGES, _MAX_DESCRIPTION = 20, 2_000
#: Errors about a call; after any other error the session is replaced.
_CALL_ERRORS = (INVALID_PARAMS, REQUEST_TIMEOUT)


class Connection:
    """One server, with reconnects. `allow` holds the server's names of tools, `ask_first` the models'."""

    def __init__(
        self, name: str, server: McpServer, allow: Collection[str], ask_first: Collection[str],
        on_stderr: Callable[[str, str], None],
    ) -> None:  # fmt: skip
        self._name = name
        self._server = server
        self._allow = frozenset(allow)
        self._ask_first = ask_first
        self._on_stderr = on_stderr
        self._client: Client | None = None
        self._lost = asyncio.Event()
        self._changed = asyncio.Event()
        self._missing: list[str] = []
        self.tried = asyncio.Event()
        """Set after the first attempt to connect, failed or not."""
        self.failure = ""
        """Why the last attempt failed; empty while connected."""
        self.tools: Sequence[TeamTool] = ()
        """The tools that workers may call; none before the first connection."""
        self.left_out: dict[str, str] = {}
        """Why an allowed tool is not offered: no model service would take its schema."""

    async def keep_connected(self) -> None:
        """Connect, and reconnect whenever the session is lost, until cancelled."""
        wait = FIRST_WAIT
        while True:
            try:
                async with self._connected():
                    wait, self.failure = FIRST_WAIT, ""
                    await self._lost.wait()
            except Exception as error:  # noqa: BLE001 (another team's program, over a library's transports)
                self.failure = str(_first_cause(error)) or type(error).__name__
                log.warning("tool server can't be reached, will retry", server=self._name, why=_why(error))
            self.tried.set()
            await asyncio.sleep(wait)
            wait = min(2 * wait, MAX_WAIT)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        async with (
            asyncio.timeout(CONNECT_SECONDS) as limit,
            self._open() as client,
            asyncio.TaskGroup() as group,
        ):
            await self._refresh(client)
            limit.reschedule(None)
            log.info("tool server connected", server=self._name, tools=[t.tool.name for t in self.tools])
            self._lost.clear()
            self._client = client
            self.tried.set()
            watching = group.create_task(self._watch(client))
            try:
                yield
            finally:
                self._client = None
                watching.cancel()

    async def _refresh(self, client: Client) -> None:
        self.tools = self._allowed(await _all_tools(client))

    async def _watch(self, client: Client) -> None:
        """Refresh the tools whenever the server says that they have changed."""
        try:
            await self._listen(client)
        except ListenNotSupportedError:  # protocols before 2026-07-28 send notifications
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._refresh(client)
        except (MCPError, TimeoutError) as error:
            log.info("tool server sends no notifications", server=self._name, why=_why(error))

    async def _listen(self, client: Client) -> None:
        while True:
            try:
                async with client.listen(tools_list_changed=True) as changes:
                    await self._refresh(client)  # earlier changes are not sent
                    async for _ in changes:
                        await self._refresh(client)
                return
            except SubscriptionLost:  # a stream over HTTP that was silent for long
                await asyncio.sleep(MAX_WAIT)

    async def _on_message(self, message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._changed.set()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[Client]:
        server = self._server
        async with AsyncExitStack() as stack:
            transport: Transport
            if server.command:
                program = StdioServerParameters(command=server.command, args=server.args, env=server.env)
                stderr = stack.enter_context(StderrLog(partial(self._on_stderr, self._name)))
                transport = stdio_client(program, errlog=stderr.file)
            else:
                timeout = httpx2.Timeout(CONNECT_SECONDS, read=_SILENCE_SECONDS + server.seconds)
                client = httpx2.AsyncClient(headers=server.headers, timeout=timeout)
                http = await stack.enter_async_context(client)
                transport = streamable_http_client(server.url, http_client=http)
            yield await stack.enter_async_context(
                Client(transport, read_timeout_seconds=CONNECT_SECONDS, message_handler=self._on_message)
            )

    def _allowed(self, offered: Sequence[Offered]) -> list[TeamTool]:
        found = {tool.name: tool for tool in reversed(offered)}  # of two with one name the first
        missing = sorted(self._allow - found.keys())
        if missing and missing != self._missing:
            log.warning("tool server lacks tools that HANDOFF_TOOLS_FILE allows", server=self._name,
                        missing=missing, has=sorted(found))  # fmt: skip
        self._missing = missing
        tools: list[TeamTool] = []
        self.left_out = {}
        for name in sorted(self._allow & found.keys()):
            try:
                tools.append(self._tool(found[name]))
            except (ValueError, RecursionError, pydantic.PydanticUserError) as error:
                self.left_out[tool_name(self._name, name)] = one_line(str(error), 300)
                log.warning("tool left out", server=self._name, tool=name, why=str(error))
        return tools

    def _tool(self, offered: Offered) -> TeamTool:
        async def call(arguments: Json) -> ToolOutput:
            return await self._call(offered.name, arguments)

        name = tool_name(self._name, offered.name)
        description = excerpt(offered.description or offered.title or offered.name, _MAX_DESCRIPTION)
        tool = Tool.from_schema(name, description, offered.input_schema, call)
        return TeamTool(tool, ask_first=name in self._ask_first)

    async def _call(self, tool: str, arguments: Json) -> ToolOutput:
        client = self._client
        if client is None:
            raise ToolFailure(f"the server {self._name} is down. Go on without it, or try again later")
        try:
            result = await client.call_tool(tool, arguments, read_timeout_seconds=self._server.seconds)
        except Exception as error:
            if isinstance(error, MCPError) and error.code in _CALL_ERRORS:
                raise ToolFailure(error.message) from error
            if isinstance(error, pydantic.ValidationError) or _is_schema_mismatch(error):
                raise ToolFailure(
                    f"the server {self._name} ran the call, but its answer does not match its own schema: "
                    f"{one_line(str(error), 1_000)}"
                ) from error
            log.warning("tool server lost", server=self._name, tool=tool, why=_why(error))
            self._lost.set()
            said = f" ({error.message})" if isinstance(error, MCPError) else ""
            raise ToolFailure(
                f"the server {self._name} broke off{said}, so it is unknown how far the call came. "
                "Find out before you send it again"
            ) from error
        if result.is_error:
            raise ToolFailure(result_text(result) or "the tool failed without a message")
        return ToolOutput(result_text(result), attached=result_pictures(result, tool))


class McpServers:
    """All servers of a tools file. As an async context manager it keeps them connected."""

    def __init__(self, file: ToolsFile, *, on_stderr: Callable[[str, str], None] = log_line) -> None:
        """`on_stderr` gets a server's name and each line that its program writes to stderr."""
        self._connections = [
            Connection(name, server, file.allow[name], file.ask_first, on_stderr)
            for name, server in sorted(file.servers.items())
            if not server.disabled
        ]
        self._group = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._running = [self._group.create_task(one.keep_connected()) for one in self._connections]
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
        for running in self._running:
            running.cancel()
        await self._group.__aexit__(None, None, None)

    def tools(self) -> Sequence[TeamTool]:
        """The tools of all servers, always in the same order."""
        return [tool for one in self._connections for tool in one.tools]

    def failures(self) -> Sequence[str]:
        """Why servers are not connected."""
        return [one.failure for one in self._connections if one.failure]

    def left_out(self) -> Mapping[str, str]:
        """Why tools are not offered, by the names that models would know."""
        return {name: why for one in self._connections for name, why in one.left_out.items()}


async def _all_tools(client: Client) -> list[Offered]:
    found: list[Offered] = []
    cursor = None
    for _ in range(_MAX_PAGES):
        page = await client.list_tools(cursor=cursor, cache_mode="refresh")
        found += page.tools
        cursor = page.next_cursor
        if not cursor:
            break
    return found


def _is_schema_mismatch(error: Exception) -> bool:
    """Whether the library refuses a complete answer that does not match the server's schema."""
    return isinstance(error, RuntimeError) and ("structured content" in str(error) or "schema" in str(error))


def _why(error: BaseException) -> str:
    cause = _first_cause(error)
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__


def _first_cause(error: BaseException) -> BaseException:
    """The first cause inside the exception groups of a library's task groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
