"""Programs call the team's tools. Needs Docker."""

from __future__ import annotations

import pytest

from agents.errors import ToolFailure
from agents.tools import Tool
from agents.tools.code_tools import FILE, HOST, CodeTools
from agents.tools.team_tools import TeamTool
from sandbox.egress.broker import TaskEgress
from sandbox.egress.policy import EgressLimits, EgressPolicy, EgressRequest
from sandbox.job import Job
from sandbox.sandbox import Sandbox


async def glossary_look_up(word: str, times: int = 1) -> str:
    """Look a word up."""
    if word == "unknown":
        raise ToolFailure("the glossary has no such word")
    return f"{word}: acknowledgement ✓ " * times


async def glossary_remove(word: str) -> str:
    """Remove a word."""
    raise AssertionError("a program must not reach this")


TOOLS = [
    TeamTool(Tool.from_function(glossary_look_up)),
    TeamTool(Tool.from_function(glossary_remove), ask_first=True),
]
CODE = """
from handoff_tools import glossary, glossary_look_up, ToolError
import handoff_tools, json, urllib.request
print(glossary.look_up(word="ack"), len(glossary_look_up(word="ack", times=20_000)))
for arguments in ({"word": "unknown"}, {"wrod": "ack"}, {"word": ["ack"]}):
    try:
        glossary.look_up(**arguments)
    except ToolError as error:
        print(error)
try:
    from handoff_tools import glossary_remove
except ImportError:
    print("not offered")
for name in ("glossary_remove", "create_worker"):
    try:
        handoff_tools._function.__globals__["_TOOLS"][name] = ""
        handoff_tools._function(name)(word="ack")
    except ToolError as error:
        print(error)
try:
    urllib.request.urlopen("http://api.example.com/")
except OSError as error:
    print(error)
"""


@pytest.mark.asyncio(loop_scope="session")
async def test_a_program_calls_tools_and_none_that_asks_first(shared_sandbox: Sandbox) -> None:
    tools, requests = CodeTools(TOOLS), list[EgressRequest]()
    async with TaskEgress(EgressPolicy()).open(requests.append, {HOST: tools.answer}) as serve:
        job = Job(code=CODE, files={FILE: tools.module()})
        run = await shared_sandbox.run(job, on_connection=serve)
    lines = run.stdout.splitlines()
    assert lines[0] == f"ack: acknowledgement ✓  {len('ack: acknowledgement ✓ ') * 20_000}", run.stderr
    assert lines[1] == "the glossary has no such word"
    assert lines[2].startswith("there is no argument wrod") or "the argument word is missing" in lines[2]
    assert "the argument word is wrong" in lines[3]
    assert lines[4] == "not offered"
    assert lines[5].startswith("A person has to allow each call of glossary_remove")
    assert lines[6] == "There is no tool create_worker."
    assert "api.example.com:80 may not be reached from here" in lines[7]
    assert [call["answered"] for call in tools.calls] == [True, True, False, False, False]
    assert [request.host for request in requests] == ["api.example.com"]
    assert run.files == {}


@pytest.mark.asyncio(loop_scope="session")
async def test_calls_of_tools_are_limited(shared_sandbox: Sandbox) -> None:
    tools = CodeTools(TOOLS)
    egress = TaskEgress(EgressPolicy(limits=EgressLimits(requests=2)))
    code = "from handoff_tools import glossary\nfor _ in range(3):\n    print(glossary.look_up(word='ack'))"
    async with egress.open(lambda _: None, {HOST: tools.answer}) as serve:
        run = await shared_sandbox.run(Job(code=code, files={FILE: tools.module()}), on_connection=serve)
    assert run.stdout.count("ack:") == 2
    assert "ToolError: This task has made its 2 requests on the network, the limit." in run.stderr


def test_without_tools_nothing_is_offered() -> None:
    assert CodeTools([]).description == CodeTools(TOOLS[1:]).description == ""
    assert "glossary_look_up" in CodeTools(TOOLS).description
