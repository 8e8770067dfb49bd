"""A real MCP server: `python -m tests.support.tool_server` on stdin and stdout, `serve_http` on a socket.

Its tools count what they did in a file, so that a test sees whether a call arrived.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import (
    BlobResourceContents,
    CallToolRequestParams,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ListToolsResult,
    ResourceLink,
    TextContent,
    TextResourceContents,
    Tool,
)

#: The file that each call of `write` leaves a line in.
JOURNAL = "TOOL_SERVER_JOURNAL"


def tool_server(journal: Path) -> MCPServer:
    server = MCPServer("things")

    @server.tool()
    def look_up(word: str, times: int = 1) -> str:
        """Look a word up in the team's glossary."""
        if word == "wrong":
            raise ToolError("there is no such word")
        return f"{word} means {word}. " * times

    @server.tool()
    def write(line: str) -> str:
        """Write a line into the team's journal."""
        with journal.open("a") as file:
            file.write(f"{line}\n")
        return "written"

    @server.tool()
    def measure() -> CallToolResult:
        """Measure, and answer in fields alone."""
        return CallToolResult(content=[], structured_content={"metres": 5, "place": "Malmö"})

    @server.tool()
    def weigh() -> CallToolResult:
        """Weigh, and answer in fields beside an empty text."""
        return CallToolResult(content=[TextContent(text="")], structured_content={"grams": 7})

    @server.tool()
    def fetch() -> CallToolResult:
        """Answer with a file, as GitHub's server does, and with what has no words."""
        text = TextResourceContents(uri="repo://a.txt", mime_type="text/plain", text="The file.")
        blob = BlobResourceContents(uri="repo://a.pdf", mime_type="application/pdf", blob="AAAA")
        return CallToolResult(
            content=[
                TextContent(text="found"), EmbeddedResource(resource=text), EmbeddedResource(resource=blob),
                ResourceLink(uri="https://x.example/doc", name="doc"),
                ImageContent(data="AAAA", mime_type="image/png"),
                ImageContent(data="not base64", mime_type="image/jpeg"),
            ]
        )  # fmt: skip

    @server.tool()
    async def grow(context: Context) -> str:
        """Have one more tool from now on."""

        @server.tool()
        def late() -> str:
            """Be late."""
            return "late done"

        await context.notify_tools_changed()
        return "grow done"

    @server.tool()
    def forbidden() -> str:
        """A tool that no test allows."""
        return "this must never be seen"

    return server


def loose_server() -> Server[Any]:
    """A server that does not hold itself to the schema of its answers."""

    async def listed(context: Any, params: Any) -> ListToolsResult:
        metres = {"type": "object", "properties": {"metres": {"type": "integer"}}, "required": ["metres"]}
        tool = Tool(name="measure", input_schema={"type": "object"}, output_schema=metres)
        return ListToolsResult(tools=[tool, Tool(name="look_up", input_schema={"type": "object"})])

    async def called(context: Any, params: CallToolRequestParams) -> CallToolResult:
        fields = {"metres": "five"} if params.name == "measure" else None
        return CallToolResult(content=[TextContent(text="five")], structured_content=fields)

    return Server("loose", on_list_tools=listed, on_call_tool=called)


@asynccontextmanager
async def serve_http(tools: MCPServer | Server[Any], *, token: str = "") -> AsyncIterator[str]:
    """The server over streamable HTTP in this process, for who brings `token`; yields its URL."""
    inner = tools.streamable_http_app()
    headers = {(b"authorization", f"Bearer {token}".encode())} if token else set()

    async def guarded(scope: dict, receive: object, send: object) -> None:  # type: ignore[type-arg]
        if scope["type"] == "http" and not headers <= set(scope["headers"]):
            await send({"type": "http.response.start", "status": 401, "headers": []})  # type: ignore[operator]
            await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]
            return
        await inner(scope, receive, send)  # type: ignore[arg-type]

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        config = uvicorn.Config(guarded, log_level="error", lifespan="on")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.create_task(server.serve([bound]))
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            server.force_exit = True
            await serving


if __name__ == "__main__":
    tool_server(Path(os.environ[JOURNAL])).run()
