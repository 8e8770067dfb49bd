"""Installs Debian and Ubuntu packages if this process may do so without a prompt."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.steps import run, step

#: Wait for another apt's lock, and retry a download that fails.
_RETRY_OPTIONS = ("-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3")


def usable() -> bool:
    """Whether this process is root on a system with apt."""
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def is_debian() -> bool:
    """Whether this is Debian. Ubuntu's Chromium package only refers to another store."""
    release = Path("/etc/os-release")
    return release.is_file() and "ID=debian" in release.read_text().splitlines()


def install(packages: Sequence[str]) -> None:
    """Installs the missing packages, without recommended ones. Raises `SetupError` if apt fails."""
    missing = [name for name in packages if not _installed(name)]
    if not missing:
        return
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    fix = f"apt could not install {' '.join(missing)}. Its messages are above; fix that and try again."
    with step(f"Installing {', '.join(missing)} with apt"):
        run(["apt-get", *_RETRY_OPTIONS, "update"], fix=fix)
        run(
            ["apt-get", *_RETRY_OPTIONS, "install", "--yes", "--no-install-recommends", *missing],
            fix=fix,
            parts=("Get:", "Unpacking", "Setting up"),
            total=3 * len(missing),
        )


def _installed(package: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True).stdout == "installed"
