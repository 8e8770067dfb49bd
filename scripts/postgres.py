"""PostgreSQL's programs for the tests, which start their own server: found, or installed as root by apt."""

from __future__ import annotations

import shutil
from pathlib import Path

from scripts import apt
from scripts.steps import Stuck, ended

#: Debian keeps the server's programs out of PATH, one folder for each version.
FOLDER = Path("/usr/lib/postgresql")


def main() -> None:
    if shutil.which("initdb") or any(FOLDER.glob("*/bin/initdb")):
        return
    if not apt.usable():
        raise Stuck("The database tests need PostgreSQL's programs. Install the server; it need not run.")
    apt.install(["postgresql"])


if __name__ == "__main__":
    raise SystemExit(ended(main))
