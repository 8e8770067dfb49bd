"""Tools of MCP servers, on real servers: a program on its stdin and stdout, and one over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp_types import Tool as Offered
from structlog.testing import capture_logs

from agents.conversation import ToolCall
from agents.errors import ToolFailure
from agents.tools import Tool
from agents.tools.mcp import Connection, McpServers
from agents.tools.stderr_log import log_line
from agents.tools.team_tools import WORKER_TOOLS, TeamTool, not_offered, offered
from agents.tools.tools_file import McpServer, ToolsFile
from tests.support.scripted_model import Call, Roles, Say, ScriptedModel
from tests.support.team import Team, endpoint_of
from tests.support.tool_server import JOURNAL, loose_server, serve_http, tool_server

ALLOWED = ("look_up", "write")


def connect(servers: dict[str, McpServer], *allow: str) -> McpServers:
    """The servers, each with these tools; `write` asks first."""
    allowed = {name: list(allow or ALLOWED) for name in servers}
    return McpServers(ToolsFile(mcpServers=servers, allow=allowed, ask_first=["things_write"]))


def program(tmp_path: Path, module: str = "tool_server", **more: Any) -> McpServer:
    """A server in a process of its own. `tool_server` takes more than a second to start."""
    env = {JOURNAL: str(tmp_path / "journal"), "PYTHONPATH": str(Path(__file__).parents[2])}
    return McpServer(command=sys.executable, args=["-m", f"tests.support.{module}"], env=env, **more)


@pytest.fixture
async def things(tmp_path: Path) -> AsyncIterator[McpServer]:
    """A server over HTTP, for tests that fare alike with a program."""
    async with serve_http(tool_server(tmp_path / "journal")) as url:
        yield McpServer(url=url)


async def say(tool: Tool, **arguments: Any) -> str:
    return (await tool.call(ToolCall("c1", tool.name, json.dumps(arguments)))).text


def tool_of(servers: McpServers, name: str) -> Tool:
    return next(one.tool for one in servers.tools() if one.tool.name == name)


async def test_a_program_lends_the_tools_that_are_allowed_and_no_other(tmp_path: Path) -> None:
    async with connect({"things": program(tmp_path)}) as servers:
        offered = {one.tool.name: one.ask_first for one in servers.tools()}
        said = await say(tool_of(servers, "things_look_up"), word="ack")
    assert offered == {"things_look_up": False, "things_write": True}
    assert said == "ack means ack. "


async def test_a_result_in_fields_alone_is_reported_as_json(things: McpServer) -> None:
    async with connect({"things": things}, "measure", "weigh") as servers:
        assert await say(tool_of(servers, "things_measure")) == '{"metres": 5, "place": "Malmö"}'
        assert await say(tool_of(servers, "things_weigh")) == '{"grams": 7}'


def offering(*tools: Offered) -> Connection:
    """A connection to a server that offers these tools, all of them allowed."""
    connection = Connection("crm", McpServer(command="none"), {one.name for one in tools}, (), log_line)
    connection.tools = connection._allowed(tools)
    return connection


def test_a_tool_with_a_schema_that_no_service_takes_is_left_out_and_named() -> None:
    good = Offered(name="find", input_schema={"type": "object", "properties": {"a": {"type": "array"}}})
    bad = Offered(name="odd", input_schema={"type": "string"})
    with capture_logs() as logs:
        connection = offering(good, bad)
    assert [one.tool.name for one in connection.tools] == ["crm_find"]
    assert connection.left_out == {"crm_odd": "its schema is not one of an object"}
    assert [(entry["event"], entry["tool"]) for entry in logs] == [("tool left out", "odd")]


def test_of_two_tools_with_one_name_the_first_is_offered() -> None:
    first, second = (
        Offered(name="find", description=words, input_schema={"type": "object"}) for words in ("One", "Two")
    )
    (only,) = offering(first, second).tools
    assert only.tool.description == "One"


def test_a_tool_cant_take_the_place_of_a_workers_own() -> None:
    taken = [TeamTool(Tool.from_schema(name, "x", {"type": "object"}, never)) for name in WORKER_TOOLS]
    assert offered(taken) == []


async def never(arguments: dict[str, Any]) -> str:
    raise AssertionError(arguments)


async def test_of_130_tools_as_many_are_offered_as_a_request_takes() -> None:
    tools = [TeamTool(Tool.from_schema(f"t{n:03}", "x", {"type": "object"}, never)) for n in range(130)]
    (sentence,) = not_offered(tools)
    assert sentence.startswith("of 130 tools 120 are offered, without t120, t121")
    brief = Call("create_worker", {"task_description": "Go"})
    team = Team(toolbox=lambda: offered(tools))
    script = Roles([brief, Say("Done.")], [Say("Good.")])
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await team.run(endpoint)
    assert len(model.requests[1].tools) <= 128


async def test_a_file_in_a_result_is_reported_and_what_has_no_words_is_named(things: McpServer) -> None:
    async with connect({"things": things}, "fetch") as servers:
        output = await tool_of(servers, "things_fetch").call(ToolCall("c", "things_fetch", "{}"))
    assert output.text.splitlines() == [
        "found", "[repo://a.txt]", "The file.", "[repo://a.pdf (application/pdf), left out]",
        "[doc: https://x.example/doc]", "[image (image/png)]", "[image (image/jpeg)]",
    ]  # fmt: skip
    assert output.attached == (("fetch.png", b"\0\0\0"),)


async def test_an_answer_of_a_broken_form_costs_the_call_and_not_the_server() -> None:
    async with (
        serve_http(loose_server()) as url,
        connect({"loose": McpServer(url=url)}, "measure", "look_up") as servers,
    ):
        with pytest.raises(ToolFailure, match=r"ran the call.*five") as caught:
            await say(tool_of(servers, "loose_measure"))
        assert "Error" not in str(caught.value)
        assert await say(tool_of(servers, "loose_look_up")) == "five"


@pytest.mark.parametrize("module", ["tool_server", "old_tool_server"])
async def test_a_tool_that_comes_later_is_lent_from_then_on(module: str, tmp_path: Path) -> None:
    async with connect({"things": program(tmp_path, module)}, "grow", "late", "look_up") as servers:
        assert "things_late" not in [one.tool.name for one in servers.tools()]
        assert await say(tool_of(servers, "things_grow")) == "grow done"
        async with asyncio.timeout(20):
            while "things_late" not in [one.tool.name for one in servers.tools()]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await say(tool_of(servers, "things_late")) == "late done"


async def test_a_server_over_http_is_called_with_its_headers(tmp_path: Path) -> None:
    async with serve_http(tool_server(tmp_path / "journal"), token="secret") as url:
        server = McpServer(url=url, headers={"Authorization": "Bearer secret"})
        async with connect({"web": server}) as servers:
            assert await say(tool_of(servers, "web_write"), line="hello") == "written"
    assert (tmp_path / "journal").read_text() == "hello\n"


async def test_a_server_that_refuses_us_costs_its_tools_and_nothing_else(
    things: McpServer, tmp_path: Path
) -> None:
    async with serve_http(tool_server(tmp_path / "journal"), token="secret") as url:
        refused = McpServer(url=url, headers={"Authorization": "Bearer wrong"})
        async with connect({"web": refused, "things": things}) as servers:
            assert [one.tool.name for one in servers.tools()] == ["things_look_up", "things_write"]


async def test_a_program_that_is_not_there_is_reported_to_the_operator(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with connect({"gone": McpServer(command="/nowhere/to/be/found")}) as servers:
        assert servers.tools() == []
    assert "tool server can't be reached" in capsys.readouterr().out


async def test_wrong_arguments_never_leave_and_are_reported(things: McpServer) -> None:
    async with connect({"things": things}) as servers:
        tool = tool_of(servers, "things_look_up")
        with pytest.raises(ToolFailure, match=r"word is missing.*no argument wird"):
            await say(tool, wird="ack")
        with pytest.raises(ToolFailure, match="times"):
            await say(tool, word="ack", times="often")
        with pytest.raises(ToolFailure, match="there is no such word"):
            await say(tool, word="wrong")
        assert tool.schema["additionalProperties"] is False


async def test_a_program_that_dies_is_started_again(tmp_path: Path) -> None:
    async with connect({"things": program(tmp_path, "old_tool_server")}, "grow", "die") as servers:
        tool = tool_of(servers, "things_grow")
        with pytest.raises(ToolFailure, match="the server things broke off") as caught:
            await say(tool_of(servers, "things_die"))
        assert "Error" not in str(caught.value), "no name of a Python class"
        for _ in range(200):
            try:
                assert await say(tool) == "grow done"
                break
            except ToolFailure as away:
                assert re.search("is down|broke off", str(away))  # noqa: PT017 (it passes when it is back)
                await asyncio.sleep(0.1)
        else:
            pytest.fail("the server did not come back")


async def test_a_call_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    async with connect({"things": program(tmp_path, "old_tool_server", seconds=0.2)}, "hang") as servers:
        with pytest.raises(ToolFailure, match=r"[Tt]imed out"):
            await say(tool_of(servers, "things_hang"))


async def test_a_start_that_is_cancelled_while_it_waits_for_a_server_leaves_no_task(tmp_path: Path) -> None:
    silent = McpServer(command="sleep", args=["60"])
    before = asyncio.all_tasks()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5), connect({"silent": silent}):
            pytest.fail("a server that says nothing was taken for one that is there")
    assert asyncio.all_tasks() == before
