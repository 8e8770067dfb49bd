"""Builds the bot's image, with an image registry or without: `python -m scripts.image [NAME]`.

The Dockerfile names the base. If it can't be pulled, the base is built from Debian packages, every wheel is
fetched here by its hash, and the build runs without a network.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sandbox.engine import DockerEngine
from sandbox.errors import SandboxError
from sandbox.image import base
from scripts.steps import ROOT, SetupError, exit_code, run, say, step

NAME = "handoff"
CONTEXT = ("Dockerfile", "requirements.lock", "pyproject.toml", "README.md", "LICENSE",
           "bot", "evals", "tasks", "agents", "sandbox", "text", "playground")  # fmt: skip


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else NAME
    try:
        asyncio.run(make(name))
    except SandboxError as error:
        raise SetupError(str(error)) from error


async def make(name: str) -> None:
    """Builds the image `name`. Raises `SetupError` or a `SandboxError` with what to do."""
    async with DockerEngine() as engine:
        with tempfile.TemporaryDirectory(prefix="handoff-image-") as folder:
            chosen, offline = await _base(engine, Path(folder))
            wheels = await asyncio.to_thread(_wheels) if offline else None
            archive = Path(folder) / "context.tar"
            await asyncio.to_thread(_pack, archive, wheels)
            with step(f"Building the image {name} on {chosen}"):
                await engine.call(lambda: _build(engine, archive, name, chosen, offline))
            facts = await engine.call(lambda: engine.client.inspect_image(name))
            say(f"{name} is there: {facts['Size'] / 1e6:.0f} MB, runs as {facts['Config']['User']}")


async def _base(engine: DockerEngine, folder: Path) -> tuple[str, bool]:
    """The base to build on, and whether the build must do without a network."""
    match = re.search(r"^ARG BASE=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert match, "the Dockerfile names its base"
    wanted, own = match[1], f"{base.REPOSITORY}:{base.release()}"
    if await engine.image_id(wanted) is not None:
        return wanted, False
    try:
        with step(f"Pulling {wanted}"):
            await engine.call(lambda: engine.client.pull(*wanted.split(":")))
            return wanted, False
    except SandboxError as error:
        say(f"no registry can be reached ({error})")
    if await engine.image_id(own) is None:
        with step("Making a base from Debian packages"):
            await base.make(engine, folder, lambda _: None)
    return own, True


def _wheels() -> Path:
    """The folder with the lock's wheels for the base's Python, which is this distribution's. It is kept."""
    lock = (ROOT / "requirements.lock").read_bytes()
    python = _system_python()
    folder = ROOT / ".cache" / f"wheels-{python}-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not folder.is_dir():
        half = folder.with_suffix(".part")
        with step("Fetching the wheels of requirements.lock"):
            _fetch(half, python)
        half.rename(folder)
    return folder


def _fetch(folder: Path, python: str) -> None:
    # fmt: off
    run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
         "--require-hashes", "--no-deps", "--only-binary=:all:", "--python-version", python,
         *_platforms(), "--implementation", "cp", "--dest", folder, "-r", ROOT / "requirements.lock"],
        fix="pip could not fetch the wheels. Its messages are above; fix that and try again.",
    )
    # fmt: on


def _system_python() -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run(
        ["/usr/bin/python3", "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def _platforms() -> Iterator[str]:
    machine = subprocess.run(["uname", "-m"], check=True, capture_output=True, text=True).stdout.strip()
    for glibc in ("2_36", "2_34", "2_31", "2_28", "2_27", "2_26", "2_24", "2_17"):
        yield from ("--platform", f"manylinux_{glibc}_{machine}")
    yield from ("--platform", f"manylinux2014_{machine}")


def _pack(archive: Path, wheels: Path | None) -> None:
    with tarfile.open(archive, "w") as tar:
        for name in CONTEXT:
            tar.add(ROOT / name, name, filter=_plain)
        if wheels is not None:
            tar.add(wheels, "wheels", filter=_plain)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Normalizes a tar entry: the same sources give the same bytes, so the engine reuses its layers."""
    if "__pycache__" in entry.name:
        return None
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def _build(engine: DockerEngine, archive: Path, name: str, chosen: str, offline: bool) -> None:
    said: list[str] = []
    with archive.open("rb") as context:
        for event in engine.client.build(
            fileobj=context, custom_context=True, tag=name, buildargs={"BASE": chosen},
            network_mode="none" if offline else None, rm=True, forcerm=True, decode=True,
        ):  # fmt: skip
            said.append(str(event.get("stream", "")).strip())
            if "error" in event:
                raise SetupError(f"The image could not be built: {' '.join(said[-20:])} {event['error']}")


if __name__ == "__main__":
    raise SystemExit(exit_code(main))
