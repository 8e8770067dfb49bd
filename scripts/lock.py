"""Writes requirements.lock and requirements-dev.lock: the newest versions that pyproject.toml allows.

Both have hashes and markers for every supported platform and Python, so that pip installs them with
`--require-hashes`. uv resolves, in a temporary environment.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

from scripts.steps import ROOT, exit_code, run

UV = "uv>=0.9,<1"
#: An undeclared dependency of hatchling for editable installs.
EDITABLES = "editables>=0.5,<1"
RUNTIME, DEVELOPMENT = "requirements.lock", "requirements-dev.lock"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        uv = fetched(Path(folder), UV, "uv")
        # The development lock is first: it has more constraints, and its versions bind the other.
        _compile(uv, DEVELOPMENT, "--upgrade", "--group", "dev")
        _compile(uv, RUNTIME, "--upgrade", "--constraints", DEVELOPMENT)


def fetched(folder: Path, requirement: str, program: str) -> Path:
    """A program of a package, installed below `folder`. Raises `SetupError` if pip fails."""
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
    """The development lock of a pyproject.toml, resolved to the newest versions. Writes in `folder`."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text(pyproject)
    _run(uv, DEVELOPMENT, folder, "--upgrade", "--group", "dev")
    return (folder / DEVELOPMENT).read_text()


def _build_backend() -> str:
    """The build backend, which is locked too: installing the project fetches nothing unpinned."""
    return "\n".join([*_pyproject()["build-system"]["requires"], EDITABLES])


def _oldest_python() -> str:
    return str(_pyproject()["project"]["requires-python"]).removeprefix(">=")


def _pyproject() -> dict[str, dict[str, str]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
