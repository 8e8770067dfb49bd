"""What tool servers' programs write to stderr is logged, and redacted like all else."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from agents.tools.stderr_log import LONGEST, StderrLog
from bot.settings import Settings
from bot.settings.redaction import redactor


async def test_each_line_of_a_program_arrives_long_ones_in_parts_the_last_without_an_end() -> None:
    lines: list[str] = []
    code = f"import sys; sys.stderr.write('one\\n\\ntwo\\n' + 'x' * {3 * LONGEST} + '\\nend')"
    with StderrLog(lines.append) as log:
        program = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stderr=log.file)
        await program.wait()
    assert (lines[:2], lines[-1]) == (["one", "two"], "end")
    assert max(map(len, lines)) <= LONGEST


def test_a_variable_that_the_tools_file_names_is_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tools.json"
    file.write_text('{"mcpServers": {"crm": {"command": "crm", "env": {"KEY": "${PYTEST_CRM_KEY}"}}}}')
    monkeypatch.setenv("PYTEST_CRM_KEY", "crm-key-123456")
    settings = Settings(data_dir=tmp_path, tools_file=file)
    assert redactor(settings.secrets)("refused: crm-key-123456") == "refused: [redacted]"
