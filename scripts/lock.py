"""Writes requirements.lock and requirements-dev.lock: the newest versions that pyproject.toml allows.

Both hold hashes and markers for every platform and Python the project supports, so plain pip installs them
with `--require-hashes`. uv resolves, in an environment that is thrown away. Never edits pyproject.toml.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

from scripts.steps import ROOT, ended, run

UV = "uv>=0.9,<1"
#: What hatchling asks for when a project is installed in place, without saying so beforehand.
EDITABLES = "editables>=0.5,<1"
RUNTIME, DEVELOPMENT = "requirements.lock", "requirements-dev.lock"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        uv = fetched(Path(folder), UV, "uv")
        # The development lock comes first: it is the stricter problem, and its answers bind the other one.
        _compile(uv, DEVELOPMENT, "--upgrade", "--group", "dev")
        _compile(uv, RUNTIME, "--upgrade", "--constraints", DEVELOPMENT)


def fetched(folder: Path, requirement: str, program: str) -> Path:
    """A program of a package, installed below `folder`. Raises `Stuck` when pip can't install it."""
    venv.create(folder / "tools", with_pip=True)
    programs = folder / "tools" / ("Scripts" if sys.platform == "win32" else "bin")
    run(
        [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement],
        fix=f"pip could not install {requirement}. Its messages are above.",
    )
    return programs / program


def _compile(uv: Path, lock: str, *more: str) -> None:
    print(f"{lock}: resolving", flush=True)
    _run(uv, lock, ROOT, *more)


def _run(uv: Path, lock: str, folder: Path, *more: str) -> None:
    # fmt: off
    command: list[str | Path] = [
        uv, "pip", "compile", "pyproject.toml", "-", "--quiet", "--all-extras", "--universal",
        "--python-version", _oldest_python(), "--generate-hashes", "--no-annotate",
        "--custom-compile-command", "make lock", "--output-file", lock, *more,
    ]
    # fmt: on
    subprocess.run(command, check=True, cwd=folder, input=_build_backend(), text=True)


def compiled(uv: Path, folder: Path, pyproject: str) -> str:
    """The development lock that a pyproject.toml gives now, all of it the newest. Writes in `folder`."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text(pyproject)
    _run(uv, DEVELOPMENT, folder, "--upgrade", "--group", "dev")
    return (folder / DEVELOPMENT).read_text()


def _build_backend() -> str:
    """The build backend is locked too: the project itself is installed without fetching anything unpinned."""
    return "\n".join([*_pyproject()["build-system"]["requires"], EDITABLES])


def _oldest_python() -> str:
    return str(_pyproject()["project"]["requires-python"]).removeprefix(">=")


def _pyproject() -> dict[str, dict[str, str]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


if __name__ == "__main__":
    raise SystemExit(ended(main))
