"""The servers and the tools file of docs/extend.md, run as they stand there."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from agents.conversation import ToolCall
from agents.programs import RESULT_LIMIT
from agents.tools.mcp import McpServers
from agents.tools.tools_file import ToolsFile, load_tools_file
from scripts.steps import ROOT

PAGE = (ROOT / "docs" / "extend.md").read_text()
ENVIRON = {"GLOSSARY_TOKEN": "g", "WIKI_TOKEN": "w"}


def block(language: str, number: int = 0) -> str:
    found: list[str] = re.findall(rf"^```{language}\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return found[number]


def tools_file(folder: Path) -> ToolsFile:
    path = folder / "tools.json"
    path.write_text(block("json"))
    return load_tools_file(path, {"TEAM_FOLDER": str(folder), **ENVIRON})


async def test_the_tools_file_starts_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "glossary.py").write_text(block("python", 1))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    file = tools_file(tmp_path)
    only = {"servers": {"glossary": file.servers["glossary"]}}
    async with McpServers(file.model_copy(update=only)) as servers:
        tools = {one.tool.name: one for one in servers.tools()}
        assert {name: one.ask_first for name, one in tools.items()} == {
            "glossary_define": True,
            "glossary_look_up": False,
        }
        said = await tools["glossary_look_up"].tool.call(ToolCall("c", "x", '{"word": "ack"}'))
    assert said.text == "the acknowledgement that Slack expects within three seconds"


def test_the_other_server_is_reached_with_a_secret_of_the_environment(tmp_path: Path) -> None:
    wiki = tools_file(tmp_path).servers["wiki"]
    assert (wiki.headers["Authorization"], wiki.seconds) == ("Bearer w", 20)


def test_the_figures_are_those_of_the_code() -> None:
    from agents.tools.approvals import MAX_SHOWN

    assert f"more than {RESULT_LIMIT:,} characters" in PAGE
    assert f"more than {MAX_SHOWN:,} characters" in PAGE
