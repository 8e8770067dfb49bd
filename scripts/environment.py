"""The virtual environment `.venv`, made from the lock: `python -m scripts.environment runtime|development`.

A stamp records what it was made from, so the second time takes no time. When the lock, the Python, the place
or HANDOFF_EXTRA_PACKAGES has changed, it is made again from nothing. pip's own settings are respected.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import sys
import venv
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path
from subprocess import CalledProcessError

from scripts import apt
from scripts.steps import ROOT, Stuck, ended, run, step

FOLDER = ROOT / ".venv"
PYTHON = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
#: The development lock holds all of the runtime one with the same versions, so it serves for both.
LOCKS = {"runtime": ("requirements.lock",), "development": ("requirements.lock", "requirements-dev.lock")}
_EXTRA = "HANDOFF_EXTRA_PACKAGES"


def main() -> None:
    prepare(sys.argv[1])


def prepare(kind: str) -> None:
    """Make or renew `.venv` for `kind`. Raises `Stuck` when Python or pip can't."""
    if _stamp(kind).is_file() or _stamp("development").is_file():
        return
    if not _stamp("runtime").is_file():
        _make()
    # What is killed from here on may leave less than there was.
    _stamp("runtime").unlink(missing_ok=True)
    lock = LOCKS[kind][-1]
    packages = sum("==" in line for line in (ROOT / lock).read_text().splitlines())
    with step(f"Installing {packages} Python packages from {lock}"):
        _pip("--require-hashes", "-r", lock, total=packages)
        _pip("--no-deps", "--no-build-isolation", "--editable", ".")
    install_extra_packages()
    _stamp(kind).touch()


def install_extra_packages() -> None:
    """Install the team's own packages beside Handoff's. Raises `Stuck` when pip can't."""
    if wanted := _extra_packages():
        with step(f"Installing HANDOFF_EXTRA_PACKAGES: {' '.join(wanted)}"):
            _pip(*wanted)


def _extra_packages() -> list[str]:
    """The setting, from the environment or `.env`. No library that reads `.env` is installed yet."""
    file = ROOT / ".env"
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    in_file = dict(line.removeprefix("export ").split("=", 1) for line in lines if "=" in line)
    given = os.environ.get(_EXTRA) or in_file.get(_EXTRA, "")
    # Quotes around the whole, as in a shell, and then around single words.
    return [word for part in shlex.split(given, comments=True) for word in shlex.split(part)]


def _make() -> None:
    if not _can_make() and apt.usable():
        # Debian keeps a part of Python's standard library in a package of its own.
        apt.install(["python3-venv"])
        invalidate_caches()
    if not _can_make():
        raise Stuck(
            f"{sys.executable} can't make virtual environments. Install what it lacks (python3-venv on "
            "Debian and Ubuntu), or set PYTHON to another Python 3.11 or newer."
        )
    with step(f"Making .venv with Python {sys.version.split()[0]}"):
        try:
            venv.create(FOLDER, clear=True, symlinks=sys.platform != "win32", with_pip=True)
        except CalledProcessError as error:
            said = (error.output or b"").decode(errors="replace").strip()
            raise Stuck(f"pip could not be put into {FOLDER}. Mend that and start again: {said}") from error


def _can_make() -> bool:
    return find_spec("ensurepip") is not None


def _pip(*arguments: str, total: int = 0) -> None:
    run(
        [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments],
        fix="pip could not install the packages. Its messages are above; mend that and start again.",
        parts=("Collecting", "Processing", "Requirement already"),
        total=total,
    )


def _stamp(kind: str) -> Path:
    digest = hashlib.sha256(f"{sys.version} {sys.executable} {ROOT}".encode())
    for name in ("pyproject.toml", *LOCKS[kind]):
        digest.update((ROOT / name).read_bytes())
    digest.update(" ".join(_extra_packages()).encode())
    return FOLDER / f"{kind}-{digest.hexdigest()[:16]}.stamp"


if __name__ == "__main__":
    raise SystemExit(ended(main))
