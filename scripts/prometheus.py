"""A Prometheus for the test of the dashboard: found, or unpacked from Debian's package into `.cache`.

Nothing is installed and no server is started, as the package itself would do. Where it can't be had nothing
is wrong either: the test that needs it is skipped with a sentence.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from scripts import apt
from scripts.steps import ROOT, Stuck, ended, run, say, step

FOLDER = ROOT / ".cache" / "prometheus"
PACKAGE = "prometheus"


def program(name: str = "prometheus") -> Path | None:
    """Where it is, or `promtool` beside it; None when it was never had."""
    found = shutil.which(name, path=str(FOLDER / "usr" / "bin")) or shutil.which(name)
    return Path(found) if found else None


def main() -> None:
    if program() is not None:
        return
    if not apt.usable():
        say("no Prometheus is here, so the dashboard will not be tried on one")
        return
    try:
        with step(f"Fetching {PACKAGE} from the distribution"):
            _fetch()
    except Stuck as stuck:
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
    raise SystemExit(ended(main))
