"""Checks the contents of the sandbox's image: `python -m scripts.sandbox_image`.

Writes build/sandbox-image.json. Looks with the image's own Python, as root in a container without network,
and fails for whatever differs from the lock.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.engine import DockerEngine
from sandbox.image.build import BASE_LABEL, ensure_image, pins
from sandbox.image.tag import Recipe
from scripts.steps import ROOT, SetupError, exit_code, say

RECORD = ROOT / "build" / "sandbox-image.json"
LOOK = r"""
import base64, glob, hashlib, json, os, shutil, stat, subprocess, sys
from importlib.metadata import distributions
ROOT = "/opt/packages"
claimed, changed, found = {f"{ROOT}/pip.py"}, [], {}
for one in distributions(path=[ROOT]):
    found[one.metadata["Name"]] = one.version
    for file in one.files or ():
        path = os.path.normpath(f"{ROOT}/{str(file).removeprefix('../../')}")
        claimed.add(path)
        if file.hash and os.path.exists(path):
            digest = hashlib.new(file.hash.mode, open(path, "rb").read()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
                changed.append(path)
unowned, privileged, world_writable, devices = [], [], [], []
for folder, folders, files in os.walk("/"):
    if folder in ("/proc", "/sys", "/dev"):
        folders.clear()
        continue
    for path in (os.path.join(folder, name) for name in (*folders, *files)):
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            continue
        regular = stat.S_ISREG(status.st_mode)
        if regular and (status.st_mode & 0o6000 or "security.capability" in os.listxattr(path)):
            privileged.append(path)
        if status.st_mode & 0o002 or status.st_uid == 65534:
            world_writable.append(path)
        if stat.S_ISBLK(status.st_mode) or stat.S_ISCHR(status.st_mode):
            devices.append(path)
        compiled = os.path.dirname(path).endswith("__pycache__")
        if regular and path.startswith(ROOT + "/") and path not in claimed and not compiled:
            unowned.append(path)
unwanted = "gcc cc g++ c++ clang tcc ld as make cmake go rustc curl wget git ssh nc gdb strace sudo".split()
folders = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
tools = [name for name in unwanted if shutil.which(name, path=folders)]
for name in ("pip", "setuptools", "wheel", "ensurepip", "pkg_resources"):
    tools += glob.glob(f"/usr/**/{name}/__init__.py", recursive=True)
asked = ["dpkg-query", "--show", "--showformat", "${Package}=${Version}\n"]
debian = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
print(json.dumps(dict(
    python="%d.%d.%d" % sys.version_info[:3], packages=found,
    debian=dict(line.split("=", 1) for line in debian.splitlines()),
    changed=changed, unowned=unowned, privileged=privileged, world_writable=world_writable,
    devices=devices, tools=tools,
)))
"""
#: Writable in any Debian, but the root is read-only, and each call has its own tmpfs on /tmp and /work.
_OPEN = {"/tmp", "/var/tmp", "/run/lock", "/work"}


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Packages with versions, and suspicious paths."""

    base: str
    python: str
    packages: Mapping[str, str]
    debian: Mapping[str, str]
    changed: Sequence[str]
    unowned: Sequence[str]
    privileged: Sequence[str]
    world_writable: Sequence[str]
    devices: Sequence[str]
    tools: Sequence[str]


async def contents(engine: DockerEngine, image: str) -> Contents:
    """The contents of the image.

    Raises `sandbox.errors.SandboxError` if the engine or the image is missing.
    """
    base = (await engine.image_labels(image)).get(BASE_LABEL, "")
    read: dict[str, Any] = json.loads(await engine.call(lambda: _look(engine, image)))
    return Contents(base=base, **read)


def problems(found: Contents, locked: Mapping[str, str]) -> list[str]:
    """The differences from the lock, a sentence each. `locked` maps names to versions."""
    wanted, there = _normal(locked), _normal(found.packages)
    lines = [
        f"{name} is {there.get(name, 'not there')}, and {wanted.get(name, 'nothing')} is locked."
        for name in sorted(wanted.keys() | there.keys())
        if wanted.get(name) != there.get(name)
    ]
    asked = {
        "is not as its wheel had it": found.changed,
        "belongs to no package": found.unowned,
        "raises rights": found.privileged,
        "can be written by anybody": sorted(set(found.world_writable) - _OPEN),
        "is a device": found.devices,
        "is there for no use": found.tools,
    }
    return lines + [f"{path} {what}." for what, paths in asked.items() for path in paths]


def locked(python: str) -> dict[str, str]:
    """The pinned versions for a Python, such as 3.12."""
    text = dict(Recipe().context())[f"requirements/{python}.txt"].decode()
    return dict(pin.split("==") for pin in pins(text))


def main() -> None:
    found = asyncio.run(_found())
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(asdict(found), indent=1, sort_keys=True) + "\n")
    if wrong := problems(found, locked(found.python.rpartition(".")[0])):
        raise SetupError("The sandbox's image is not what is locked. " + " ".join(wrong))
    counts = f"{len(found.packages)} locked packages and {len(found.debian)} of Debian's"
    say(f"the sandbox's image has {counts}, named in {RECORD.relative_to(ROOT)}")


async def _found() -> Contents:
    async with DockerEngine() as engine:
        image = await ensure_image(engine, report=lambda progress: print(progress, file=sys.stderr))
        return await contents(engine, image)


def _look(engine: DockerEngine, image: str) -> bytes:
    made = engine.client.create_container(
        image, entrypoint=["python3", "-I", "-c", LOOK], command=[], user="0:0", network_disabled=True
    )
    try:
        engine.client.start(made)
        ended_with = engine.client.wait(made)["StatusCode"]
        if ended_with != 0:
            raise SetupError(f"The image could not be looked at: {engine.client.logs(made).decode()[-500:]}")
        return bytes(engine.client.logs(made, stderr=False))
    finally:
        engine.client.remove_container(made, force=True)


def _normal(versions: Mapping[str, str]) -> dict[str, str]:
    return {name.lower().replace("_", "-").replace(".", "-"): version for name, version in versions.items()}


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
