"""The hooks of `.pre-commit-config.yaml` are what `make` runs, and do what they say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.steps import ROOT

HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]
}
#: What the hook that formats reads and writes.
PARTS = ("bot", "tasks", "agents", "sandbox", "text", "scripts", "docs", "pyproject.toml", ".env.example")
LOCKS = ("requirements.lock", "requirements-dev.lock")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what is formatted, with an environment that runs this one's programs."""
    for name in (*PARTS, *LOCKS):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "ruff"):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{Path(sys.prefix) / "bin" / name}" "$@"\n')
        program.chmod(0o755)
    done = "from scripts.environment import _stamp; _stamp('development').touch()"
    subprocess.run([sys.executable, "-c", done], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_what_make_runs(name: str) -> None:
    hook = HOOKS[name]
    shell, script = hook["entry"].split()
    assert (shell, hook["language"], hook["pass_filenames"]) == ("sh", "system", False)
    assert (ROOT / script).is_file()
    assert f"\n{name}:" in (makefile := (ROOT / "Makefile").read_text())
    assert makefile.partition(f"\n{name}:")[2].splitlines()[1] == f"\t@{hook['entry']}"


def test_both_hooks_are_there_and_make_check_runs_the_one_that_takes_long() -> None:
    assert sorted(HOOKS) == ["format", "lint"]
    assert HOOKS["lint"]["entry"] in (ROOT / "scripts" / "check").read_text()


def test_the_hook_that_formats_sets_code_and_documents_right(checkout: Path) -> None:
    """pre-commit refuses the commit when a hook has changed a file."""
    wrong, page, example = (
        checkout / "text/wrong.py",
        checkout / "docs/settings.md",
        checkout / ".env.example",
    )
    wrong.write_text("import sys\nx = {'a':1}\n")
    page.write_text("")
    example.write_text("")
    environment = {**os.environ, "PYTHON": sys.executable, "PIP_NO_INDEX": "1"}
    entry = HOOKS["format"]["entry"].split()
    subprocess.run(entry, cwd=checkout, env=environment, check=True, capture_output=True)
    assert wrong.read_text() == 'x = {"a": 1}\n'
    assert page.read_text() == (ROOT / "docs" / "settings.md").read_text()
    assert example.read_text() == (ROOT / ".env.example").read_text()
