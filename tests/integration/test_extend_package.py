"""The package of docs/extend.md is installed and loaded as it stands there. Needs pip's package index."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.conversation import ToolCall
from agents.tools.plugins import load_plugins
from tests.unit.test_extend_page import PAGE, block, tools_file


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


@pytest.mark.usefixtures("package")
async def test_the_function_is_a_tool(tmp_path: Path) -> None:
    file = tools_file(tmp_path)
    (one,) = load_plugins(file.ask_first, file.tool_names())
    assert (one.tool.name, one.ask_first) == ("open_tickets", False)
    assert one.tool.description == "List a customer's open tickets, newest first."
    said = await one.tool.call(ToolCall("c", "open_tickets", '{"customer": "4711", "limit": 1}'))
    assert json.loads(said.text) == ["Printer on fire"]
