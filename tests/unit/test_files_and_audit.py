"""Secrets in files, and the audit log."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from bot.errors import SettingsError
from bot.observability.audit import LOGGER
from bot.observability.logging import configure_logging, open_audit_log
from bot.settings import Settings


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("xoxb-1\n")
    environ = {"SLACK_BOT_TOKEN_FILE": str(tmp_path / "token"), "HANDOFF_DATA_DIR": str(tmp_path)}
    settings = Settings.load(environ, tmp_path / ".env")
    assert settings.slack_bot_token is not None
    assert settings.slack_bot_token.get_secret_value() == "xoxb-1"


def test_problems_with_such_files_are_reported_at_once(tmp_path: Path) -> None:
    environ = {
        "SLACK_BOT_TOKEN_FILE": str(tmp_path / "missing"),
        "OPENAI_API_KEY_FILE": str(tmp_path),
        "OPENAI_API_KEY": "sk",
        "HANDOFF_TOOLS_FILE": str(tmp_path / "tools.json"),
        "HANDOFF_NOTHING_FILE": "x",
    }
    with pytest.raises(SettingsError) as refused:
        Settings.load(environ, tmp_path / ".env")
    first, second, third = refused.value.problems
    missing = f"SLACK_BOT_TOKEN_FILE: {tmp_path / 'missing'} can't be read (No such file or directory)."
    assert first == f"{missing} Correct the path or its rights."
    assert second == "OPENAI_API_KEY and OPENAI_API_KEY_FILE are both set. Remove one of them."
    assert third.startswith("HANDOFF_NOTHING_FILE is not a setting.")


@pytest.fixture
def audit_file(tmp_path: Path) -> Iterator[Path]:
    root, handlers = logging.getLogger(), list(logging.getLogger().handlers)
    configuration = structlog.get_config()
    file = tmp_path / "audit.jsonl"
    settings = Settings(data_dir=tmp_path, audit_file=file, log_level="error")
    configure_logging(settings)
    open_audit_log(settings)
    yield file
    logging.getLogger(LOGGER).handlers[0].close()
    root.handlers[:] = handlers
    structlog.configure(**configuration)


def test_the_audit_log_has_its_own_file_whatever_the_log_level(audit_file: Path) -> None:
    audit = structlog.get_logger(LOGGER)
    audit.info("stopped", team="T1", user="U1", task="t")
    audit_file.rename(audit_file.with_suffix(".1"))
    audit.info("asked", team="T1", channel="C1", user="U1")

    lines = [json.loads(line) for line in audit_file.read_text().splitlines()]
    assert [(line["event"], line["team"], line["channel"], line["user"]) for line in lines] == [
        ("asked", "T1", "C1", "U1")
    ]
    assert {"timestamp", "level"} <= set(lines[0])
    assert json.loads(audit_file.with_suffix(".1").read_text())["event"] == "stopped"
    modes = [file.stat().st_mode & 0o777 for file in audit_file.parent.glob("audit.*")]
    assert modes == [0o600, 0o600], "only its owner may read it"
