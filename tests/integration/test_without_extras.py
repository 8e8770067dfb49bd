"""An installation without extras says which one a setting needs, on the real command line."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from importlib.metadata import files
from pathlib import Path

import pytest

from scripts.steps import ROOT

POSTGRES = {"HANDOFF_DATABASE_URL": "postgresql://ada:hunter2hunter2@127.0.0.1:1/handoff"}
TRACES = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
SERVE = {
    "SLACK_BOT_TOKEN": "xoxb-not-a-real-one", "SLACK_APP_TOKEN": "xapp-not-a-real-one",
    "OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "HANDOFF_PORT": "0",
}  # fmt: skip


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages that are installed here, but for those of the extras."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "opentelemetry").mkdir()  # a namespace, whose API is no extra
    installed = Path(sysconfig.get_path("purelib"))
    api = {file.parts[1] for file in files("opentelemetry-api") or () if file.parts[0] == "opentelemetry"}
    for package in (*installed.iterdir(), *(installed / "opentelemetry" / name for name in api)):
        extras = ("asyncpg", "opentelemetry_", "mcp")
        if not package.name.startswith(extras) or package.name.startswith("opentelemetry_api"):
            place = folder / package.relative_to(installed)
            if not place.exists():
                place.symlink_to(package)
    return folder


@pytest.mark.parametrize(
    ("command", "code", "extras"),
    [
        ("serve", 2, {"postgres", "tracing"}), ("doctor", 1, {"postgres", "tracing"}),
        ("tasks", 1, {"postgres"}),
    ],
)  # fmt: skip
def test_a_setting_that_needs_an_extra_is_reported_by_a_sentence(
    bare: Path, tmp_path: Path, command: str, code: int, extras: set[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "bot.cli", command],
        cwd=tmp_path, capture_output=True, text=True,
        env={
            "PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{bare}", "HANDOFF_DATA_DIR": str(tmp_path),
            **SERVE, "SLACK_API_URL": "http://127.0.0.1:1/", **POSTGRES, **TRACES,
        },
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    assert set(re.findall(r"pip install 'handoff\[(\w+)\]'", output)) == extras
    assert "Traceback" not in output
