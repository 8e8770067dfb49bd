"""Packages of Debian and Ubuntu, installed only where this process may do so without asking anybody."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.steps import run, step

#: A lock held by another apt is waited for, and a mirror that hiccups is asked again.
_PATIENCE = ("-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3")


def usable() -> bool:
    """Whether this is root on a system with apt."""
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def is_debian() -> bool:
    """Debian itself: Ubuntu's package of Chromium is a pointer to another store."""
    release = Path("/etc/os-release")
    return release.is_file() and "ID=debian" in release.read_text().splitlines()


def install(packages: Sequence[str]) -> None:
    """Install what is missing, without recommended extras. Raises `Stuck` when apt fails."""
    missing = [name for name in packages if not _installed(name)]
    if not missing:
        return
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    fix = f"apt could not install {' '.join(missing)}. Its messages are above; mend that and start again."
    with step(f"Installing {', '.join(missing)} with apt"):
        run(["apt-get", *_PATIENCE, "update"], fix=fix)
        run(
            ["apt-get", *_PATIENCE, "install", "--yes", "--no-install-recommends", *missing],
            fix=fix,
            parts=("Get:", "Unpacking", "Setting up"),
            total=3 * len(missing),
        )


def _installed(package: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True).stdout == "installed"
