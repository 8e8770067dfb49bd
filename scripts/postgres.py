"""Finds PostgreSQL's programs for the tests, or installs them with apt as root."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts import apt
from scripts.steps import SetupError, exit_code

#: On Debian the server's programs are not in PATH: each version has its folder.
FOLDER = Path("/usr/lib/postgresql")


def main() -> None:
    if shutil.which("initdb") or any(FOLDER.glob("*/bin/initdb")):
        return
    if not apt.usable():
        raise SetupError("The database tests need PostgreSQL's programs. Install the server; don't start it.")
    apt.install(["postgresql"])


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
