"""The examples of docs/extend.md are installed and run as they stand there. Needs pip's package index."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.conversation import ToolCall
from agents.mcp import McpServers
from agents.plugins import load_plugins
from agents.tools_file import ToolsFile, load_tools_file
from agents.worker import RESULT_LIMIT
from scripts.steps import ROOT

PAGE = (ROOT / "docs" / "extend.md").read_text()
ENVIRON = {"GLOSSARY_TOKEN": "g", "WIKI_TOKEN": "w"}


def block(language: str, number: int = 0) -> str:
    found: list[str] = re.findall(rf"^```{language}\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return found[number]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the page's package, by way of a wheel as the page makes it."""
    folder = tmp_path_factory.mktemp("extend")
    wheel = team_wheel(folder)
    pip(folder, "install", "--quiet", "--no-deps", "--target", "site", str(wheel))
    return folder / "site"


@pytest.fixture
def package(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(installed))
    yield
    sys.modules.pop("team_tools", None)


def team_wheel(folder: Path) -> Path:
    """Write the page's package below `folder`, and run the page's command that makes a wheel of it."""
    (folder / "team-tools").mkdir()
    (folder / "team-tools" / "pyproject.toml").write_text(block("toml"))
    (folder / "team-tools" / "team_tools.py").write_text(block("python"))
    (command,) = re.findall(r"^    \.venv/bin/pip (wheel .+)$", PAGE, re.MULTILINE)
    pip(folder, *command.split())
    (folder / "team-image" / "Dockerfile").write_text(block("dockerfile"))
    (wheel,) = (folder / "team-image").glob("*.whl")
    return wheel


def pip(folder: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, "--disable-pip-version-check"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def tools_file(folder: Path) -> ToolsFile:
    path = folder / "tools.json"
    path.write_text(block("json"))
    return load_tools_file(path, {"TEAM_FOLDER": str(folder), **ENVIRON})


@pytest.mark.usefixtures("package")
async def test_the_function_is_a_tool(tmp_path: Path) -> None:
    file = tools_file(tmp_path)
    (one,) = load_plugins(file.ask_first, file.tool_names())
    assert (one.tool.name, one.ask_first) == ("open_tickets", False)
    assert one.tool.description == "List a customer's open tickets, newest first."
    said = await one.tool.call(ToolCall("c", "open_tickets", '{"customer": "4711", "limit": 1}'))
    assert json.loads(said.text) == ["Printer on fire"]


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
    from agents.approvals import MAX_SHOWN

    assert f"more than {RESULT_LIMIT:,} characters" in PAGE
    assert f"more than {MAX_SHOWN:,} characters" in PAGE
