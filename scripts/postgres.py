"""Finds PostgreSQL's programs for the tests, or installs them with apt as root, and PgBouncer."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts import apt
from scripts.steps import SetupError, exit_code

#: On Debian the server's programs are not in PATH: each version has its folder.
FOLDER = Path("/usr/lib/postgresql")


def main() -> None:
    has_server = shutil.which("initdb") or any(FOLDER.glob("*/bin/initdb"))
    if apt.usable():
        apt.install([*([] if has_server else ["postgresql"]), "pgbouncer"])
    elif not has_server:
        raise SetupError("The database tests need PostgreSQL's programs. Install the server; don't start it.")


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
