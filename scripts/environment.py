"""Creates the virtual environment `.venv` from the lock: `python -m scripts.environment runtime|development`.

A stamp records what it was made from, so that the second run does nothing. If the lock, the Python, the
folder or HANDOFF_EXTRA_PACKAGES changes, it is created again. pip's own settings apply.
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
from scripts.steps import ROOT, SetupError, exit_code, run, step

FOLDER = ROOT / ".venv"
PYTHON = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
#: The development lock includes the runtime one with the same versions.
LOCKS = {"runtime": ("requirements.lock",), "development": ("requirements.lock", "requirements-dev.lock")}
_EXTRA = "HANDOFF_EXTRA_PACKAGES"


def main() -> None:
    prepare(sys.argv[1])


def prepare(kind: str) -> None:
    """Creates or updates `.venv` for `kind`. Raises `SetupError` if Python or pip fails."""
    if _stamp(kind).is_file() or _stamp("development").is_file():
        return
    if not _stamp("runtime").is_file():
        _make()
    # A process killed from here on may leave an incomplete environment.
    _stamp("runtime").unlink(missing_ok=True)
    lock = LOCKS[kind][-1]
    packages = sum("==" in line for line in (ROOT / lock).read_text().splitlines())
    with step(f"Installing {packages} Python packages from {lock}"):
        _pip("--require-hashes", "-r", lock, total=packages)
        _pip("--no-deps", "--no-build-isolation", "--editable", ".")
    install_extra_packages()
    _stamp(kind).touch()


def install_extra_packages() -> None:
    """Installs the team's own packages. Raises `SetupError` if pip fails."""
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
        # On Debian, `venv` is in a package of its own.
        apt.install(["python3-venv"])
        invalidate_caches()
    if not _can_make():
        raise SetupError(
            f"{sys.executable} can't make virtual environments. Install what it lacks (python3-venv on "
            "Debian and Ubuntu), or set PYTHON to another Python 3.11 or newer."
        )
    with step(f"Making .venv with Python {sys.version.split()[0]}"):
        try:
            venv.create(FOLDER, clear=True, symlinks=sys.platform != "win32", with_pip=True)
        except CalledProcessError as error:
            said = (error.output or b"").decode(errors="replace").strip()
            raise SetupError(
                f"pip could not be installed into {FOLDER}. Fix that and try again: {said}"
            ) from error


def _can_make() -> bool:
    return find_spec("ensurepip") is not None


def _pip(*arguments: str, total: int = 0) -> None:
    run(
        [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments],
        fix="pip could not install the packages. Its messages are above; fix that and try again.",
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
    raise SystemExit(exit_code(main))
