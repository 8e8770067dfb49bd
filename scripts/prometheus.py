"""Finds Prometheus for the dashboard test, or unpacks it from Debian's package into `.cache`.

It is not installed, so that no server starts. Without Prometheus the test is skipped with a sentence.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from scripts import apt
from scripts.steps import ROOT, SetupError, exit_code, run, say, step

FOLDER = ROOT / ".cache" / "prometheus"
PACKAGE = "prometheus"


def program(name: str = "prometheus") -> Path | None:
    """The path of Prometheus, or of `promtool` beside it; None if it is missing."""
    found = shutil.which(name, path=str(FOLDER / "usr" / "bin")) or shutil.which(name)
    return Path(found) if found else None


def main() -> None:
    if program() is not None:
        return
    if not apt.usable():
        say("Prometheus is missing, so the dashboard test will be skipped")
        return
    try:
        with step(f"Fetching {PACKAGE} from the distribution"):
            _fetch()
    except SetupError as stuck:
        say(str(stuck))


def _fetch() -> None:
    half = FOLDER.with_suffix(".part")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    fix = f"{PACKAGE} could not be fetched, so the dashboard will not be tried on one."
    get = f"apt-get download {PACKAGE}"
    run(["sh", "-c", f"cd '{half}' && ({get} || (apt-get update && {get}))"], fix=fix)
    (archive,) = half.glob("*.deb")
    subprocess.run(["dpkg-deb", "--extract", archive, half], check=True)
    archive.unlink()
    half.rename(FOLDER)


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
