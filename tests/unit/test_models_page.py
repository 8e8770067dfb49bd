"""docs/models.md, read: each block makes settings with which a whole team works under that service's rules.

The service's host is replaced by a scripted endpoint after the client has been built for it, so all that goes
by the host is decided as it would be; the path is the service's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from agents.conversation import UserTurn
from agents.journal import EmptyInbox, MemoryJournal
from agents.orchestrator import Orchestrator
from bot.checks.preflight import model_problems
from bot.factories.model import agent_deps, make_endpoint
from bot.settings import Settings
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace
from scripts.steps import ROOT
from tests.support.scripted_model import Call, Roles, Say, ScriptedModel, Turn

PAGE = (ROOT / "docs" / "models.md").read_text()
_CHAT = frozenset({"model", "messages", "stream", "stream_options", "tools", "tool_choice", "max_tokens"})
_RESPONSES = frozenset({
    "model", "input", "instructions", "stream", "store", "include", "tools", "tool_choice",
    "max_output_tokens", "prompt_cache_key",
})  # fmt: skip


@dataclass(frozen=True)
class Service:
    """What is known of one service; `rules` are `ScriptedModel`'s."""

    host: str
    path: str = "/v1"
    api: str = "chat"
    rules: dict[str, Any] = field(default_factory=lambda: {"no_responses": True})


_OPENAI_RULES = {"chat_refuses_tools": True, "require_reasoning_echo": True}
SERVICES = {
    "OpenAI": Service("api.openai.com", api="responses", rules=_OPENAI_RULES),
    "Azure OpenAI": Service(
        "your-resource.openai.azure.com", "/openai/v1", api="responses", rules=_OPENAI_RULES
    ),
    "DashScope": Service("dashscope-intl.aliyuncs.com", "/compatible-mode/v1"),
    "DeepSeek": Service("api.deepseek.com", rules={"require_reasoning_echo": True}),
    "Gemini": Service(
        "generativelanguage.googleapis.com", "/v1beta/openai",
        rules={"require_signature_echo": True, "no_responses": True},
    ),
    "Anthropic": Service("api.anthropic.com"),
    "vLLM": Service("localhost", rules={}),
    "SGLang": Service("localhost", rules={}),
    "llama.cpp": Service("localhost", rules={}),
    "Ollama": Service("localhost", rules={"sends_usage": False}),
    "LM Studio": Service("localhost", rules={}),
    "OpenRouter": Service("openrouter.ai", "/api/v1", rules={}),
}  # fmt: skip


def blocks() -> dict[str, str]:
    """The settings of each service, by its headline."""
    return dict(re.findall(r"^## (.+)\n\n```env\n((?:.+\n)+)```", PAGE, re.MULTILINE))


def settings_of(name: str, folder: Path) -> Settings:
    (folder / ".env").write_text(blocks()[name])
    return Settings.load({}, folder / ".env")


def script() -> Roles:
    brief = Turn(calls=tuple(Call("create_worker", {"task_description": d}) for d in ("Left", "Right")))
    plan = Call("plan", {"steps": [{"text": "Look at both sides"}]})
    work = [Call("look_around"), Call("report", {"status": "done", "summary": "clear"})]
    return Roles([plan, brief, Say("Both sides are clear.")], {"Left": work, "Right": work})


def test_every_service_has_a_block_and_every_block_a_test() -> None:
    assert list(blocks()) == list(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_a_block_is_all_that_the_model_needs(name: str, tmp_path: Path) -> None:
    settings = settings_of(name, tmp_path)
    base = urlsplit(settings.openai_base_url or "https://api.openai.com/v1")
    assert (base.hostname, base.path) == (SERVICES[name].host, SERVICES[name].path)
    assert model_problems(settings) == ()


@pytest.mark.parametrize("name", SERVICES)
async def test_a_team_works_under_the_rules_of_the_service(name: str, tmp_path: Path) -> None:
    service, settings = SERVICES[name], settings_of(name, tmp_path)
    fields = _RESPONSES if service.api == "responses" else _CHAT
    async with (
        ScriptedModel(script(), prefix=service.path, fields=fields, **service.rules) as model,
        make_endpoint(settings) as endpoint,
    ):
        endpoint._client.base_url = model.base_url
        ending = await team(settings, endpoint, tmp_path).answer([UserTurn("Ann: look around")])
        model.assert_complete()
    assert (ending.text, ending.reason) == ("Both sides are clear.", "")
    assert {asked.api for asked in model.requests} == {service.api}
    assert len(model.requests) == 7
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else "none"
    assert {asked.headers["Authorization"] for asked in model.requests} == {f"Bearer {key}"}
    named = {asked.is_worker: asked["model"] for asked in model.requests}
    first = settings.model.split(",")[0]
    assert named == {False: first, True: settings.worker_model or first}


def team(settings: Settings, endpoint: Any, folder: Path) -> Orchestrator:
    return Orchestrator(
        agent_deps(settings, endpoint, Sandbox()), workspace=Workspace(folder),
        journal=MemoryJournal(), inbox=EmptyInbox(), emit=lambda _: None,
    )  # fmt: skip
