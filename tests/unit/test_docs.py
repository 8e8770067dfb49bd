"""The documents against what they speak of: dependencies, limits, links, commands, targets."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot import web
from bot.checks import readiness, tokens
from bot.cli import COMMANDS
from bot.intake import addressing
from bot.observability import metrics
from bot.settings import variable
from bot.settings.groups import AccessSettings, LimitSettings
from bot.thread import answer, history, uploads
from bot.timing import CHECK_TIMING, BotTiming
from bot.wire import client, http_site, rate_limiter, socket_mode, text
from sandbox.limits import SandboxLimits
from sandbox.sandbox import END_SECONDS
from scripts.steps import ROOT
from tasks import task
from tasks.policy import TaskPolicy
from tasks.store import notes
from tasks.timing import TaskTiming

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


def requirements() -> set[str]:
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    stated = [
        *project["dependencies"],
        *(line for extra in extras for line in extra),
        *PYPROJECT["dependency-groups"]["dev"],
        *PYPROJECT["build-system"]["requires"],
    ]
    return {re.split(r"[\[<>=~!; ]", line)[0] for line in stated}


def table_rows(page: str) -> set[str]:
    """The first cell of every table row."""
    lines = (ROOT / page).read_text().splitlines()
    return {line.split("|")[1].strip().strip("`") for line in lines if line.startswith("| ")}


def test_each_dependency_has_its_reason_and_no_other_is_named() -> None:
    assert table_rows("docs/dependencies.md") - {"package"} == requirements()


def test_each_dependency_has_an_upper_bound() -> None:
    dependencies = PYPROJECT["project"]["dependencies"]
    extras = PYPROJECT["project"]["optional-dependencies"].values()
    stated = [*dependencies, *(line for extra in extras for line in extra)]
    assert [line for line in stated if "<" not in line] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_with_hashes_and_names_no_registry(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = re.findall(r"^[\w.-]+==\S+", text, re.MULTILINE)
    blocks = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(pins) == len(blocks) > 50
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in text
    assert "index" not in text


def test_the_runtime_lock_is_part_of_the_development_lock() -> None:
    runtime, development = (
        set(re.findall(r"^[\w.-]+==[^\s\\]+", (ROOT / lock).read_text(), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime < development
    assert {name.split("==")[0] for name in development} >= requirements()


def test_each_limit_has_its_row() -> None:
    names = [*LimitSettings.__annotations__, *AccessSettings.__annotations__]
    task = {variable(name) for name in names if name.startswith("limit_")}
    sandbox = {
        f"HANDOFF_SANDBOX_{name.upper()}" for name in SandboxLimits.__dataclass_fields__ if name != "runtime"
    }
    assert task | sandbox <= table_rows("docs/limits.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_targets_that_are_named_exist(page: Path) -> None:
    text = page.read_text()
    commands = set(re.findall(r"(?:`|bin/|^ {4,})handoff ([a-z]+)", text, re.MULTILINE))
    targets = set(re.findall(r"(?:`|^ {4})make ([a-z]+)", text, re.MULTILINE))
    made = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert commands <= set(COMMANDS)
    assert targets <= made


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_variables_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(r"\bHANDOFF_[A-Z_]*[A-Z]\b", page.read_text()))
    example = (ROOT / ".env.example").read_text()
    assert [name for name in sorted(named) if f"#{name}=" not in example] == []


def test_every_test_that_the_threat_model_names_exists() -> None:
    text = (ROOT / "docs" / "security.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 20
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).is_file() or (test and f"def {test}(" not in (ROOT / file).read_text())
    ]
    assert missing == []
    rows = [line for line in text.splitlines() if line.startswith("| ") and "shown by" not in line]
    attacks = [row for row in rows if row.count("|") == 4 and "`tests/" in row]
    assert len(attacks) == len([row for row in rows if row.count("|") == 4]), "each attack has its test"


@pytest.mark.parametrize(
    "knob",
    [
        f"{rate_limiter.POSTS_PER_MINUTE} posts a minute, {rate_limiter.POST_BURST} at once",
        f"{rate_limiter.SHARE:.0%} of Slack's rate".replace("%", " %"),
        f"{client.TRIES} tries, {client.TIMEOUT:.0f} s each",
        f"{answer.LONGEST:,} characters",
        f"{text.BLOCK_LIMIT} blocks",
        f"{answer.MOST_MESSAGES} messages",
        f"{BotTiming().stream_life:.0f} s",
        f"{history.MOST} messages",
        f"{notes.MOST} notes of {notes.LONGEST} characters",
        f"{addressing.BOT_TASKS} tasks",
        f"{BotTiming().backfill_longest / 3600:.0f} h",
        f"10 connections, {socket_mode.CONNECTIONS} per bot",
        f"{TaskPolicy().undelivered / 86_400:.0f} days, first after {TaskTiming().first_retry:.0f} s, "
        f"then up to {TaskTiming().longest_retry / 3600:.0f} h apart",
        f"{task.RESCUES} times",
        f"{TaskTiming().grace} s, {TaskTiming().silence} s",
        f"{TaskTiming().unhealthy:.0f} s",
        f"{http_site.MOST} connections, {http_site.HEADER_SECONDS:.0f} s",
        f"{TaskTiming().standstill:.0f} s",
        f"{BotTiming().outage_reminder:.0f} s",
        f"{readiness.PATIENCE} s",
        f"{metrics.PATIENCE:.0f} s",
        f"{END_SECONDS} s",
        f"{web.LAST_ANSWERS:.0f} s, {BotTiming().socket_close:.0f} s",
        f"{web.LARGEST_BODY // 2**20} MiB",
        f"{CHECK_TIMING.engine} s",
        f"{tokens.PATIENCE:.0f} s",
        f"{CHECK_TIMING.check:.0f} s",
        f"{uploads.ARTIFACTS} files",
    ],
)
def test_a_limit_without_a_variable_stands_there_as_it_is_in_the_code(knob: str) -> None:
    assert knob in table_rows("docs/limits.md")
