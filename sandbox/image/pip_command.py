"""Stands where pip would be in the image: says what is installed, and installs where an index is allowed.

What it installs are wheels, which it leaves in /work/packages: few files, that the next call of the thread
finds. `supervisor.packages` unpacks them when a program imports one.
"""

# ruff: noqa: PTH103, PTH119, PTH123
from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import distributions
from urllib.parse import unquote, urlsplit

_PIP = "/opt/handoff/pip"
_FOLDER = "/work/packages"
_USAGE = "Of pip's commands the sandbox has one: pip install NAME."


def sentence() -> str:
    """What a program that wants another package should read."""
    if _network():
        return (
            f"Try pip install NAME, which keeps the package for later calls in {_FOLDER}; an index that "
            "may not be reached says so."
        )
    found = sorted({f"{d.metadata['Name']} {d.version}" for d in distributions(path=["/opt/packages"])})
    return (
        "No package can be installed in the sandbox: it has no network. The operator can allow "
        "it with HANDOFF_SANDBOX_EGRESS=pypi.org,files.pythonhosted.org. "
        f"Use the standard library or what is there: {', '.join(found)}."
    )


def main(arguments: list[str]) -> int:
    """`install …` in pip's own words; the exit code."""
    if not _network():
        print(sentence(), file=sys.stderr)
        return 1
    if arguments[:1] != ["install"]:
        print(_USAGE, file=sys.stderr)
        return 1
    # pip resolves against what the image has, and is not asked to replace any of it.
    report = f"/tmp/pip-{os.getpid()}.json"
    resolving = ["install", "--dry-run", "--quiet", "--only-binary=:all:", "--report", report, *arguments[1:]]
    if code := _pip(resolving):
        return code
    with open(report, "rb") as file:
        wanted = [one["download_info"]["url"] for one in json.load(file)["install"]]
    if not wanted:
        print("Everything is installed already.")
        return 0
    os.makedirs(_FOLDER, exist_ok=True)
    if code := _pip(["download", "--quiet", "--no-deps", "--dest", _FOLDER, *wanted]):
        return code
    names = [unquote(os.path.basename(urlsplit(url).path)) for url in wanted]
    print(f"Installed in {_FOLDER}: {', '.join(names)}")
    return 0


def _network() -> bool:
    return "https_proxy" in os.environ


def _pip(arguments: list[str]) -> int:
    options = ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--no-python-version-warning"]
    paths = os.pathsep.join([_PIP, os.environ.get("PYTHONPATH", ""), _FOLDER])
    environment = {**os.environ, "PYTHONPATH": paths, "PIP_ROOT_USER_ACTION": "ignore"}
    return subprocess.run(
        [sys.executable, "-m", "pip", *arguments, *options], env=environment, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
