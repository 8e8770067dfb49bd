"""The doctor's check of the models: one real call each, with the tools that workers get and a picture."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import openai

from agents.budget import Budget, Meter
from agents.conversation import Picture, UserTurn
from agents.errors import ModelError, ToolConfigError
from agents.journal import MemoryJournal
from agents.model.compatibility import WITHOUT_PICTURES
from agents.model.endpoint import Endpoint
from agents.model.pictures import Pictures
from agents.model.wire import ModelRequest, text_calls
from agents.prompts import prompt
from agents.tools import Tool
from agents.tools.approvals import DenyAll
from agents.tools.team_tools import TeamTool
from agents.worker import Brief, Worker
from bot.checks import preflight
from bot.errors import CheckFailed
from bot.factories.model import make_endpoint, make_prices, model_names
from bot.factories.sandbox import make_sandbox
from bot.factories.team_tools import try_tools
from bot.settings import Settings
from sandbox.egress.broker import TaskEgress
from sandbox.egress.policy import EgressPolicy
from sandbox.workspace import Workspace

_ASKED = "This is a check of the connection. Call execute_python_code with the code print(1) now."
#: A white picture of 32 by 32 pixels; services refuse smaller ones.
_PICTURE = Picture("white.png", "white", "image/png", 32, 32)
_PICTURE_URL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAQAAAABbAUdZAAAAD0lEQVR42mP4DwQMg5cAANrpf4Em8vpj"
    "AAAAAElFTkSuQmCC"
)
#: What turns tool calls on, by what a server says of itself in its list of models (`owned_by`).
_SETTINGS = {
    "vllm": "Start vLLM with --enable-auto-tool-choice and the model's --tool-call-parser",
    "sglang": "Start SGLang with the model's --tool-call-parser",
    "llamacpp": "Start llama.cpp's server with --jinja",
    "library": "Choose a model that Ollama lists with tools",
    "organization_owner": "Choose a model that LM Studio marks for tool use",
}
_ANY_SETTING = (
    "Start vLLM with --enable-auto-tool-choice and --tool-call-parser, SGLang with --tool-call-parser, "
    "llama.cpp with --jinja"
)


async def check_models(settings: Settings) -> str:
    """What the models answered. Raises `CheckFailed` with the fix."""
    if problems := preflight.model_problems(settings):
        raise CheckFailed(problems[0])
    try:
        team_tools, _ = await try_tools(settings)
    except ToolConfigError:
        team_tools = ()  # the check of the tools reports it
    try:
        async with make_endpoint(settings, tries=2) as endpoint:
            tools = _worker_tools(settings, endpoint, team_tools)
            found = [await _check(endpoint, name, tools) for name in model_names(settings)]
    except ModelError as error:
        names_fix = "OPENAI_BASE_URL" in str(error)
        fix = "" if names_fix else " Look at OPENAI_API_KEY, OPENAI_BASE_URL and HANDOFF_MODEL."
        raise CheckFailed(f"{error}{fix}") from error
    except openai.OpenAIError as error:
        raise CheckFailed(f"the endpoint can't be used: {error}.") from error
    return " ".join(found)


def _worker_tools(settings: Settings, endpoint: Endpoint, team_tools: Sequence[TeamTool]) -> Sequence[Tool]:
    """The tools of a worker as it gets them; none of them is run."""
    sandbox, workspace = make_sandbox(settings), Workspace(Path(tempfile.gettempdir()))
    worker = Worker(
        Brief(worker="w1", title="", text=""), model="", endpoint=endpoint,
        sandbox=sandbox, workspace=workspace,
        journal=MemoryJournal(), meter=Meter(Budget()), emit=lambda _: None, prices=make_prices(settings),
        team_tools=team_tools, approvals=DenyAll(), pictures=Pictures(sandbox, workspace),
        egress=TaskEgress(EgressPolicy()),
    )  # fmt: skip
    return worker.tools


async def _check(endpoint: Endpoint, model: str, tools: Sequence[Tool]) -> str:
    request = ModelRequest(
        model=model, instructions=prompt("worker"), turns=[UserTurn(_ASKED, (_PICTURE,))], tools=tools,
        pictures={_PICTURE.digest: _PICTURE_URL},
    )  # fmt: skip
    reply = await endpoint.complete(request)
    is_text = not reply.calls and bool(text_calls.parse(reply.text, [tool.name for tool in tools]))
    if not reply.calls and not is_text:
        setting = _SETTINGS.get(await endpoint.owner(), _ANY_SETTING)
        raise CheckFailed(
            f"{model} answered and called no tool, and agents work by calling them. {setting}, or set "
            "another HANDOFF_MODEL."
        )
    how = "a tool call as text" if is_text else "a tool call"
    learned = [note for note in endpoint.learned(model) if note != WITHOUT_PICTURES]
    adapted = f" after a change of the request ({', '.join(learned)})" if learned else ""
    sees = ", and takes no pictures" if reply.blind else ", and takes pictures"
    advice = ""
    if is_text:
        advice = (
            " Handoff reads such calls, but small models often get them wrong. "
            f"{_SETTINGS.get(await endpoint.owner(), _ANY_SETTING)}, or set a HANDOFF_MODEL that was trained "
            "to call tools."
        )
    return f"{model} answered with {how}{adapted}{sees}.{advice}"
