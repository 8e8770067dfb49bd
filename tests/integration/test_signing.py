"""Signing what is handed out, by the commands of docs/security.md. Needs Docker and ssh-keygen."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.steps import ROOT

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="There is no ssh-keygen here")


def page_commands() -> tuple[str, str]:
    """The two blocks of commands: signing and verifying."""
    section = (ROOT / "docs" / "security.md").read_text().partition("## Supply chain")[2]
    sign, verify = re.findall(r"\n\n((?: {6}\S.+\n)+)", section)
    return sign, verify


def shell(commands: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-euc", commands], cwd=folder, env={"PATH": os.environ["PATH"], **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_what_was_signed_verifies_and_what_was_changed_does_not(sandbox_image: str, tmp_path: Path) -> None:
    sign, verify = page_commands()
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "sbom.json").write_text("{}")
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    shell(
        "ssh-keygen -q -t ed25519 -N '' -f key && echo release@example.com $(cat key.pub) > signers", tmp_path
    )

    first, *rest = sign.strip().splitlines()
    assert first == "make sbom && make image", "what is slow is left out here"
    program = str(Path(sys.prefix) / "bin" / "handoff")
    commands = (
        "\n".join(rest).replace(".venv/bin/handoff", program).replace("' handoff ", f"' {sandbox_image} ")
    )
    signed = shell(commands, tmp_path, KEY="key")
    assert signed.returncode == 0, signed.stderr
    release = tmp_path / "build" / "release"
    ids = release.read_text().splitlines()
    assert [line[:7] for line in ids[:2]] == ["sha256:", "sha256:"]
    assert "build/sbom.json" in ids[2]

    assert shell(verify, tmp_path).returncode == 0
    release.write_text(release.read_text().replace("sha256:", "sha256:0", 1))
    assert shell(verify, tmp_path).returncode != 0
