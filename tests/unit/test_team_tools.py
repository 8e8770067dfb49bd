"""The team's tools as settings: the bot reports their problems before it starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.factories.team_tools import make_toolbox, tool_problems
from bot.settings import Settings


def settings(tmp_path: Path, body: object) -> Settings:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps(body))
    return Settings(tools_file=path)


def test_without_a_file_there_is_nothing_to_tell() -> None:
    assert tool_problems(Settings()) == ()


def test_what_is_wrong_in_the_file_is_reported(tmp_path: Path) -> None:
    (problem,) = tool_problems(settings(tmp_path, {"mcpServers": {"s": {"command": "x"}}}))
    assert "no tool of s is allowed" in problem


def test_terms_for_a_function_that_is_not_there_are_reported(tmp_path: Path) -> None:
    (problem,) = tool_problems(settings(tmp_path, {"ask_first": ["send"]}))
    assert "send in ask_first, which is neither" in problem


def test_servers_need_their_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.factories.team_tools.find_spec", lambda name: None)
    file = {"mcpServers": {"s": {"command": "x"}}, "allow": {"s": ["a"]}}
    (problem,) = tool_problems(settings(tmp_path, file))
    assert problem.endswith("pip install 'handoff[mcp]'.")


async def test_a_team_without_tools_connects_to_nothing() -> None:
    async with make_toolbox(Settings()) as toolbox:
        assert list(toolbox()) == []
