"""The doctor against a local Slack, a scripted model and a real database: each fault has its own line."""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from agents.tools.team_tools import WORKER_TOOLS
from bot.checks import doctor
from bot.checks.doctor import Finding, examine
from bot.settings import Settings
from bot.timing import CHECK_TIMING, CheckTiming
from bot.wire.manifest import SCOPES
from playground.slack.server import SlackStandIn
from tests.support.scripted_model import Asked, Call, Fault, Reply, Say, ScriptedModel
from tests.support.tool_server import serve_http, tool_server

CLOSED = "http://127.0.0.1:1"
CALL = Call("execute_python_code", {"code": "print(1)"})


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn(scopes=set(SCOPES)) as stand_in:
        yield stand_in


@pytest.fixture
def healthy(slack: SlackStandIn, tmp_path: Path) -> dict[str, Any]:
    return {
        "slack_bot_token": SecretStr(slack.bot_token),
        "slack_app_token": SecretStr(slack.app_token),
        "slack_api_url": slack.api_url,
        "data_dir": tmp_path / "data",
        "openai_base_url": f"{CLOSED}/v1",
        "port": 0,
        "docker_host": "tcp://127.0.0.1:1",
    }


async def findings(
    given: Mapping[str, Any], *, timing: CheckTiming = CHECK_TIMING, **changed: Any
) -> dict[str, Finding]:
    found = await examine(Settings(**{**given, **changed}), timing=timing)
    return {finding.name: finding for finding in found}


async def test_what_works_is_reported_with_what_was_found(healthy: dict[str, Any], tmp_path: Path) -> None:
    async with ScriptedModel([CALL]) as model:
        found = await findings(healthy, openai_base_url=model.base_url)
        model.assert_complete()
    well = {name for name, finding in found.items() if finding.ok}
    assert well == {
        "Settings", "Slack bot", "Slack events", "Model", "Costs", "Database", "Data folder", "Files",
        "Channels file", "Tools", "Skills", "Port",
    }  # fmt: skip
    assert f"all {len(SCOPES)} scopes. Long tables come as Slack's data tables." in found["Slack bot"].text
    assert found["Slack bot"].text.endswith("Plots come as pictures and Slack's charts.")
    assert str(tmp_path) in found["Database"].text


async def test_one_fault_hides_no_other(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    found = await findings(
        {}, data_dir=file / "data", host="no-such-host.invalid", docker_host="tcp://127.0.0.1:1",
        channels_file=file / "none.toml", tools_file=file / "none.json", files_url="s3://files",
        files_access_key=SecretStr("key"), skills_dir=file / "none",
    )  # fmt: skip
    assert {name for name, finding in found.items() if not finding.ok} == set(doctor.CHECKS)
    for finding in found.values():
        assert re.fullmatch(r"[✓✗] [A-Z][\w ]+: .+\.", str(finding)), finding


async def test_problems_of_the_settings_stand_first_and_stop_nothing(healthy: dict[str, Any]) -> None:
    first, second, *rest = await examine(Settings(**healthy), ("A is wrong.", "B is wrong."))
    assert [str(first), str(second)] == ["✗ Settings: A is wrong.", "✗ Settings: B is wrong."]
    assert len(rest) == len(doctor.CHECKS)


async def test_missing_scopes_are_named(healthy: dict[str, Any]) -> None:
    async with SlackStandIn(scopes=set(SCOPES) - {"files:read", "reactions:write"}) as poor:
        found = await findings(healthy, slack_api_url=poor.api_url, slack_bot_token=SecretStr(poor.bot_token))
    lacks = "lacks the scopes files:read (to fetch the files attached to a message), reactions:write (to show"
    assert lacks in found["Slack bot"].text


@pytest.mark.parametrize("headers", [{}, {"x-oauth-scopes": ""}])
async def test_scopes_that_slack_does_not_name_are_not_called_missing(
    healthy: dict[str, Any], headers: dict[str, str]
) -> None:
    async def answers(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "user": "handoff", "team": "Acme"}, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answers)
    async with TestServer(app) as server:
        found = await findings(healthy, slack_api_url=str(server.make_url("/api/")))
    assert found["Slack bot"].ok
    said = "handoff in the workspace Acme, whose scopes can't be checked: Slack's answer names none."
    assert said in found["Slack bot"].text


async def test_a_workspace_without_slacks_newer_blocks_is_reported(
    healthy: dict[str, Any], slack: SlackStandIn
) -> None:
    slack.refuse_blocks("data_table", "data_visualization")
    found = await findings(healthy)
    assert found["Slack bot"].ok
    assert "Long tables come as Markdown" in found["Slack bot"].text
    assert "Plots come as pictures, since" in found["Slack bot"].text


async def test_a_revoked_token_is_reported_without_its_value(
    healthy: dict[str, Any], slack: SlackStandIn
) -> None:
    slack.credentials.revoke(slack.bot_token)
    slack.credentials.revoke(slack.app_token)
    found = await findings(healthy)
    assert "SLACK_BOT_TOKEN can't be used: it was revoked." in found["Slack bot"].text
    assert "SLACK_APP_TOKEN can't be used: it was revoked." in found["Slack events"].text
    assert slack.bot_token not in found["Slack bot"].text


async def test_tokens_in_each_others_place_are_reported(healthy: dict[str, Any], slack: SlackStandIn) -> None:
    swapped = {"slack_bot_token": healthy["slack_app_token"], "slack_app_token": healthy["slack_bot_token"]}
    found = await findings(healthy, **swapped)
    assert "it is a token of another kind" in found["Slack bot"].text
    assert "it is a token of another kind" in found["Slack events"].text


async def test_http_mode_needs_no_app_token(healthy: dict[str, Any]) -> None:
    found = await findings(healthy, slack_app_token=None, slack_signing_secret=SecretStr("secret"))
    assert found["Slack events"].ok
    assert not (await findings(healthy, slack_app_token=None))["Slack events"].ok


async def test_an_app_for_several_workspaces_has_its_own_findings(healthy: dict[str, Any]) -> None:
    several: dict[str, Any] = {
        "slack_bot_token": None,
        "slack_client_id": "1.2",
        "slack_client_secret": SecretStr("secret"),
    }
    lacks = (await findings(healthy, **several))["Slack bot"]
    assert not lacks.ok
    assert lacks.text.startswith("HANDOFF_SLACK_TOKEN_KEY is not set")
    key = SecretStr("A" * 43 + "=")
    whole = (await findings(healthy, **several, slack_token_key=key))["Slack bot"]
    assert (whole.ok, "/slack/install" in whole.text) == (True, True)


async def test_an_unreachable_slack_is_reported(healthy: dict[str, Any]) -> None:
    found = await findings(healthy, slack_api_url=f"{CLOSED}/api/")
    assert "Slack can't be reached" in found["Slack bot"].text


async def test_a_slack_that_answers_no_json_is_reported(healthy: dict[str, Any]) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<html>sign in</html>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/api/{method}", page)
    async with TestServer(app) as server:
        found = await findings(healthy, slack_api_url=str(server.make_url("/api/")))
    assert not found["Slack bot"].ok
    assert not found["Slack events"].ok


@pytest.mark.parametrize("status", [401, 404])
async def test_a_model_that_refuses_is_reported(healthy: dict[str, Any], status: int) -> None:
    refusal = {"error": {"message": "no", "type": "invalid_request_error", "code": "model_not_found"}}
    async with ScriptedModel([Fault(status, refusal)]) as model:
        found = await findings(healthy, openai_base_url=model.base_url, model_api="chat")
    assert not found["Model"].ok
    assert "HANDOFF_MODEL" in found["Model"].text


async def test_a_model_without_tools_is_reported(healthy: dict[str, Any]) -> None:
    async def answering(asked: Asked) -> Reply:
        refusal = {"error": {"message": "registry.ollama.ai/library/gemma does not support tools"}}
        return Fault(400, refusal) if asked.tools else Say("ready")

    async with ScriptedModel(answering) as model:
        found = await findings(healthy, openai_base_url=model.base_url, model_api="chat")
    assert "can't call tools" in found["Model"].text


async def test_a_model_that_calls_no_tool_is_reported(healthy: dict[str, Any]) -> None:
    as_text = '{"name": "execute_python_code", "arguments": {"code": "print(1)"}}'
    async with ScriptedModel([Say("I am ready."), Say(as_text)]) as model:
        talks = (await findings(healthy, openai_base_url=model.base_url))["Model"]
        writes = (await findings(healthy, openai_base_url=model.base_url))["Model"]
    assert (talks.ok, "called no tool" in talks.text, "--jinja" in talks.text) == (False, True, True)
    assert writes.ok
    assert "as text" in writes.text


SERVERS = {
    "vllm": "Start vLLM with --enable-auto-tool-choice and the model's --tool-call-parser",
    "sglang": "Start SGLang with the model's --tool-call-parser",
    "llamacpp": "Start llama.cpp's server with --jinja",
    "library": "Choose a model that Ollama lists with tools",
    "someone": "Start vLLM with --enable-auto-tool-choice and --tool-call-parser, SGLang",
}


@pytest.mark.parametrize("owner", SERVERS)
async def test_the_servers_own_setting_is_named(healthy: dict[str, Any], owner: str) -> None:
    async with ScriptedModel([Say("I am ready.")], owner=owner) as model:
        found = await findings(healthy, openai_base_url=model.base_url)
    assert SERVERS[owner] in found["Model"].text


async def test_the_models_get_the_tools_that_workers_get(healthy: dict[str, Any], tmp_path: Path) -> None:
    """One that the service refuses is left out, and named to the operator."""

    async def answering(asked: Asked) -> Reply:
        refusal = {"error": {"message": "Invalid schema for function 'things_look_up': no."}}
        return Fault(400, refusal) if "things_look_up" in asked.tools else CALL

    file = tmp_path / "tools.json"
    async with (
        serve_http(tool_server(tmp_path / "journal")) as url,
        ScriptedModel(answering, allows="additionalProperties") as model,
    ):
        servers, allowed = {"things": {"url": url}}, {"things": ["look_up", "write"]}
        file.write_text(json.dumps({"mcpServers": servers, "allow": allowed}))
        found = await findings(healthy, openai_base_url=model.base_url, tools_file=file)
    assert model.requests[0].tools == (*WORKER_TOOLS, "things_look_up", "things_write")
    assert "without the tool things_look_up" in found["Model"].text


async def test_a_limit_in_usd_that_cant_bind_is_reported(healthy: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "channels.toml"
    file.write_text('[T0ACME.C0SALES]\nlimit_channel_daily_usd = 5\nmodel = "our-other"\n')
    limited = {**healthy, "model": "our-own", "limit_task_usd": 2.0, "channels_file": file}
    costs = (await findings(limited))["Costs"]
    assert not costs.ok
    assert "HANDOFF_LIMIT_TASK_USD can't bind: the price of our-own is not known." in costs.text
    assert "HANDOFF_LIMIT_CHANNEL_DAILY_USD can't bind: the price of our-other" in costs.text
    price = {"input": 1, "output": 2}
    prices = {"our-own": price, "our-other": price}
    assert (await findings({**limited, "model_prices": prices}))["Costs"].ok
    assert "not known for our-own" in (await findings({**healthy, "model": "our-own"}))["Costs"].text


async def test_a_model_that_takes_no_pictures_is_named(healthy: dict[str, Any]) -> None:
    async def answering(asked: Asked) -> Reply:
        refusal = {"error": {"message": "image input is not supported - hint: you may need the mmproj"}}
        return Fault(500, refusal) if "image_url" in str(asked.body) else CALL

    async with ScriptedModel(answering) as model:
        found = await findings(healthy, openai_base_url=model.base_url, model_api="chat", model="m")
    assert found["Model"].ok
    assert found["Model"].text == "m answered with a tool call, and takes no pictures."


async def test_a_model_that_writes_calls_as_text_is_named_with_the_setting(
    healthy: dict[str, Any],
) -> None:
    """Bytes of a real model of half a billion parameters on llama.cpp's server."""
    call = '{"name": "execute_python_code", "arguments": {"code": "print(1)"}}'
    async with ScriptedModel([Say(call)]) as model:
        found = await findings(healthy, openai_base_url=model.base_url, model_api="chat", model="m")
    assert found["Model"].ok
    assert "a tool call as text, and takes pictures. Handoff reads such calls" in found["Model"].text
    assert "--jinja, or set a HANDOFF_MODEL" in found["Model"].text


async def test_both_models_are_asked(healthy: dict[str, Any]) -> None:
    async with ScriptedModel([CALL, CALL]) as model:
        found = await findings(healthy, openai_base_url=model.base_url, model="big", worker_model="small")
        model.assert_complete()
    assert found["Model"].text == (
        "big answered with a tool call, and takes pictures. "
        "small answered with a tool call, and takes pictures."
    )


async def test_a_remote_model_without_a_key_is_reported(healthy: dict[str, Any]) -> None:
    found = await findings(healthy, openai_base_url=None)
    assert "OPENAI_API_KEY is not set" in found["Model"].text


async def test_a_database_that_is_none_is_reported(healthy: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "handoff.db").write_bytes(b"not a database" * 100)
    assert "can't be opened" in (await findings(healthy))["Database"].text


async def test_a_database_server_that_is_away_is_reported_without_its_password(
    healthy: dict[str, Any],
) -> None:
    found = await findings(healthy, database_url="postgresql://ada:hunter2@127.0.0.1:1/handoff")
    assert "can't be opened" in found["Database"].text
    assert "hunter2" not in found["Database"].text


async def test_a_port_of_another_program_is_reported_and_one_of_handoff_is_fine(
    healthy: dict[str, Any],
) -> None:
    async def health(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/healthz", health)
    async with TestServer(app) as server:
        found = await findings(healthy, port=server.port)
        assert found["Port"].ok
        assert "a running Handoff answers" in found["Port"].text
    async with TestServer(web.Application()) as server:
        assert "can't listen" in (await findings(healthy, port=server.port))["Port"].text


async def test_a_port_of_a_program_that_says_nothing_is_in_use(healthy: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        given = {**healthy, "port": silent.getsockname()[1]}
        found = await findings(given, timing=CheckTiming(neighbour=0.2))
    assert "can't listen" in found["Port"].text


async def test_a_check_that_never_ends_is_cut(healthy: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        given = {**healthy, "slack_api_url": f"http://127.0.0.1:{silent.getsockname()[1]}/api/"}
        found = await findings(given, timing=CheckTiming(check=0.2))
    assert "no answer within" in found["Slack bot"].text
    assert "Look at the network and at SLACK_API_URL." in found["Slack bot"].text
    assert found["Data folder"].ok


async def test_tools_that_workers_would_lack_are_named(healthy: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    async with serve_http(tool_server(tmp_path / "journal")) as url:
        servers = {"things": {"url": url}}
        allowed = {"things": ["look_up", "write"]}
        file.write_text(json.dumps({"mcpServers": servers, "allow": allowed, "ask_first": ["things_write"]}))
        found = (await findings(healthy, tools_file=file))["Tools"]
        assert (found.ok, found.text) == (True, "things_look_up, things_write (asks first).")

        wrong = {"mcpServers": servers, "allow": {"things": ["look_up", "lookup"]}}
        file.write_text(json.dumps(wrong))
        found = (await findings(healthy, tools_file=file))["Tools"]
    assert not found.ok
    assert found.text == "the server things has no things_lookup."


async def test_a_server_that_cannot_start_is_named_with_its_own_words(
    healthy: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "tools.json"
    crash = "import sys; print('starting', file=sys.stderr); sys.exit('GLOSSARY_TOKEN is missing')"
    servers = {
        "glossary": {"command": sys.executable, "args": ["-c", crash]},
        "wiki": {"command": "/nowhere/wiki"},
    }
    allow = {"glossary": ["look_up"], "wiki": ["search"]}
    file.write_text(json.dumps({"mcpServers": servers, "allow": allow}))
    found = (await findings(healthy, tools_file=file))["Tools"]
    assert not found.ok
    assert "the server glossary can't be used: GLOSSARY_TOKEN is missing. " in found.text
    assert re.search(
        r"the server wiki can't be used: .*No such file or directory: '/nowhere/wiki'\.$", found.text
    )


async def test_an_empty_database_is_called_empty_and_left_alone(
    healthy: dict[str, Any], tmp_path: Path
) -> None:
    found = (await findings(healthy))["Database"]
    file = tmp_path / "data" / "handoff.db"
    assert found.ok
    assert found.text == f"sqlite:///{file} is empty; the first start makes the tables."
    assert not file.exists()


async def test_a_tool_that_a_channel_names_and_the_team_has_not_is_named(
    healthy: dict[str, Any], tmp_path: Path
) -> None:
    file, tools = tmp_path / "channels.toml", tmp_path / "tools.json"
    file.write_text('[T0ACME.C0SALES]\ntools = ["crm_lookup", "wiki_search"]\n')
    found = (await findings(healthy, channels_file=file))["Channels file"]
    assert (
        "[T0ACME.C0SALES] tools names 'crm_lookup', which is no tool of the team's. There are no"
        in found.text
    )
    wiki = {"url": "http://127.0.0.1:1/mcp"}
    tools.write_text(json.dumps({"mcpServers": {"wiki": wiki}, "allow": {"wiki": ["search"]}}))
    found = (await findings(healthy, channels_file=file, tools_file=tools))["Channels file"]
    assert "'crm_lookup', which is no tool of the team's. The tools are: wiki_search." in found.text
    assert "'wiki_search'" not in found.text
