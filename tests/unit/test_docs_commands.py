"""Every command that README and the documents name is run by a test, and every name of the code exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from scripts.steps import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
#: What runs each command: a test, or a script that CI or `make soak` runs.
RUN_BY = {
    "handoff serve": "tests/e2e/test_commands.py",
    "handoff play": "tests/e2e/test_commands.py",
    "handoff doctor": "tests/integration/test_cli.py",
    "handoff doctor --channel": "tests/integration/test_cli.py",
    "handoff manifest": "tests/integration/test_cli.py",
    "handoff manifest --url": "tests/integration/test_cli.py",
    "handoff manifest --link": "tests/integration/test_cli.py",
    "handoff sandbox build": "tests/integration/test_sandbox_command.py",
    "handoff sandbox run": "tests/integration/test_sandbox_command.py",
    "handoff sandbox ps": "tests/integration/test_sandbox_command.py",
    "handoff sandbox clean": "tests/integration/test_sandbox_command.py",
    "handoff tasks": "tests/integration/test_cli.py",
    "handoff tasks --json": "tests/integration/test_keeping.py",
    "handoff tasks --rated": "tests/integration/test_cli.py",
    "handoff tasks --play": "tests/integration/test_cli.py",
    "handoff orders": "tests/integration/test_cli.py",
    "handoff purge": "tests/integration/test_keeping.py",
    "handoff purge --user": "tests/integration/test_keeping.py",
    "handoff purge --user --yes": "tests/integration/test_keeping.py",
    "handoff purge --older-than --yes": "tests/integration/test_cli.py",
    "handoff backup": "tests/integration/test_backup.py",
    "handoff restore": "tests/integration/test_backup.py",
    "handoff eval": "tests/integration/test_eval_run.py",
    "handoff eval run": "tests/integration/test_eval_run.py",
    "handoff eval import --out": "tests/integration/test_eval_run.py",
    "make setup": "scripts/setup",
    "make run": "scripts/run",
    "make check": "scripts/check",
    "make test": "scripts/test",
    "make soak": "scripts/soak",
    "make lint": "scripts/lint",
    "make format": "scripts/format",
    "make image": "tests/e2e/test_image.py",
    "make bench": "tests/e2e/test_benchmarks.py",
    "make real": "scripts/real",
    "make chaos": "tests/e2e/test_survival.py",
    "make lock": "tests/unit/test_supply.py",
    "make sbom": "tests/unit/test_supply.py",
    "make audit": "tests/unit/test_supply.py",
    "make newest": "tests/unit/test_supply.py",
    "sh scripts/run": "scripts/run",
    "sh scripts/setup": "scripts/setup",
    "python -m benchmarks": "tests/e2e/test_benchmarks.py",
    "python -m benchmarks.sandbox_leaks": "tests/e2e/test_benchmarks.py",
    "python -m tests.support.compose": "scripts/soak",
    "python -m tests.support.figure_answers": "tests/unit/test_figures.py",
    "pytest": "scripts/test",
    "pip wheel": "tests/integration/test_extend_package.py",
    "pip install": "tests/integration/test_without_extras.py",
}
_DOTTED = re.compile(r"`((?:bot|evals|tasks|agents|sandbox|text|playground)(?:\.\w+)+)`")
_PATH = re.compile(
    r"`((?:bot|evals|tasks|agents|sandbox|text|playground|tests|scripts|benchmarks|deploy|docs)/[\w./-]+)`"
)


def code_of(page: str) -> Iterator[str]:
    """Every line of a page's shell blocks and every piece of inline code."""
    inside, language = False, ""
    for line in page.splitlines():
        if fence := re.match(r"\s*```(\w*)", line):
            inside, language = not inside, fence[1]
        elif inside:
            yield from [line] if language in ("", "sh") else []
        elif line.startswith("    "):
            yield line.strip()
        else:
            yield from re.findall(r"(?<!`)`([^`]+)`", line)


def commands_in(code: str) -> Iterator[str]:
    """`.venv/bin/handoff purge --user U0ADA --yes` → `handoff purge --user --yes`."""
    code = re.sub(r"<[^>]*>|“|”", "", code.split("#")[0].split("  ")[0].strip())
    for part in re.split(r"&&|\||;", code.replace(r"\|", "/")):
        words = part.split()
        while words and re.match(r"[A-Z_]+=|sudo$|export$", words[0]):
            words.pop(0)
        if not words:
            continue
        words[0] = words[0].rpartition("/")[2] if ".venv/bin/" in words[0] else words[0]
        yield from normalized(words)


def normalized(words: list[str]) -> Iterator[str]:
    first, rest = words[0], words[1:]
    if first in ("python", "python3") and rest[:1] == ["-m"] and len(rest) > 1 and rest[1] != "venv":
        yield f"python -m {rest[1]}"
    elif first == "sh" and rest and rest[0].startswith("scripts/"):
        yield f"sh {rest[0]}"
    elif first == "pytest":
        yield "pytest"
    elif first in ("handoff", "make", "pip") and rest and re.fullmatch(r"[a-z/]+", rest[0]):
        depth = 2 if len(rest) > 1 and rest[0] in ("sandbox", "eval") else 1
        flags = [word.strip("[]") for word in rest if word.strip("[]").startswith("--")]
        for last in rest[depth - 1].split("/"):
            name = " ".join([first, *rest[: depth - 1], last])
            yield " ".join([name, *flags]) if first == "handoff" else name


def named() -> dict[str, set[str]]:
    """The commands that the pages name, with the pages."""
    found: dict[str, set[str]] = {}
    for page in PAGES:
        for code in code_of(page.read_text()):
            for command in commands_in(code):
                found.setdefault(command, set()).add(page.name)
    return found


@pytest.mark.parametrize(
    ("code", "commands"),
    [
        (".venv/bin/handoff purge --user U0ADA --yes   # deletes", ["handoff purge --user --yes"]),
        ("handoff sandbox build\\|run", ["handoff sandbox build", "handoff sandbox run"]),
        ("sudo sh scripts/run --help", ["sh scripts/run"]),
        ("OPENAI_BASE_URL=http://x make run && handoff tasks", ["make run", "handoff tasks"]),
        ("python -m benchmarks.sandbox_leaks 20000", ["python -m benchmarks.sandbox_leaks"]),
        ("handoff_ready", []),
    ],
)
def test_commands_are_found_in_code(code: str, commands: list[str]) -> None:
    assert list(commands_in(code)) == commands


def test_every_command_that_is_named_is_run_by_a_test() -> None:
    found = named()
    assert {command: pages for command, pages in found.items() if command not in RUN_BY} == {}
    assert len(found) > 25, "the pages were read"
    assert [command for command in RUN_BY if command not in found] == []


def test_what_runs_the_commands_exists_and_names_them() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command, runner in RUN_BY.items():
        assert (ROOT / runner).is_file(), runner
        first, *words = command.split()
        if first == "make":
            assert f"\n{words[0]}:" in makefile, command
        elif first == "handoff":
            text = (ROOT / runner).read_text()
            assert [word for word in words if f'"{word}"' not in text] == [], command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_names_of_the_code_exist(page: Path) -> None:
    text = page.read_text()
    assert [path for path in _PATH.findall(text) if not (ROOT / path).exists()] == []
    assert [name for name in _DOTTED.findall(text) if not exists(name)] == []


def exists(name: str) -> bool:
    """A module, or something in one."""
    words = name.split(".")
    for count in range(len(words), 0, -1):
        try:
            found: object = import_module(".".join(words[:count]))
        except ModuleNotFoundError:
            continue
        for word in words[count:]:
            if not hasattr(found, word) and word not in getattr(found, "__annotations__", {}):
                return False
            found = getattr(found, word, None)
        return True
    return False
