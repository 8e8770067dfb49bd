"""A base image from Debian packages, for machines that reach no image registry.

The packages come from where this machine's own apt gets them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox.engine import DockerEngine
from sandbox.errors import ImageBuildFailed

REPOSITORY = "handoff-sandbox-base"
_INCLUDED = "python3,python3-pip,ca-certificates,libstdc++6"
_UNWANTED = (
    "/usr/share/man/*",
    "/usr/share/doc/*",
    "/usr/share/locale/*",
    "/usr/share/info/*",
    "/var/cache/apt/*",
)
# Lines that each tool prints, for the progress bar.
_STEPS = {"mmdebstrap": 14, "debootstrap": 420, "tar": 1}


@dataclass(frozen=True, slots=True)
class PackageSource:
    """One line of the machine's apt configuration."""

    uri: str
    release: str

    @property
    def line(self) -> str:
        """As apt's one-line format has it."""
        return f"deb {self.uri} {self.release} main"


def obstacle() -> str:
    """Why a base can't be made on this machine, in a sentence with the fix; empty when it can."""
    if not Path("/etc/debian_version").exists():
        return (
            "a base can be made from packages on Debian and Ubuntu only; give the engine access to a registry"
        )
    if os.geteuid() != 0:
        return "making a base from packages needs root; run: sudo handoff sandbox build"
    if shutil.which("mmdebstrap") is None and shutil.which("debootstrap") is None:
        return "making a base from packages needs mmdebstrap; run: apt-get install mmdebstrap"
    return ""


async def make(engine: DockerEngine, folder: Path, report: Callable[[float], None]) -> str:
    """Make the base and import it; the image's name. `report` gets the progress from 0 to 1."""
    if problem := obstacle():
        raise ImageBuildFailed(f"There is no base image: {problem}.")
    codename = release()
    sources = await _sources(codename)
    archive = folder / "base.tar"
    if shutil.which("mmdebstrap"):
        await _with_mmdebstrap(codename, sources, archive, report)
    else:
        await _with_debootstrap(codename, sources[0], archive, report)
    await engine.call(
        lambda: engine.client.import_image_from_file(str(archive), repository=REPOSITORY, tag=codename)
    )
    return f"{REPOSITORY}:{codename}"


async def _with_mmdebstrap(
    release: str, sources: list[PackageSource], archive: Path, report: Callable[[float], None]
) -> None:
    excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in _UNWANTED]
    options = ["--variant=essential", f"--include={_INCLUDED}", "--format=tar", *excluded]
    lines = [source.line for source in sources]
    await _execute(["mmdebstrap", *options, release, str(archive), *lines], report)


async def _with_debootstrap(
    release: str, source: PackageSource, archive: Path, report: Callable[[float], None]
) -> None:
    root = archive.with_name("root")
    await _execute(
        ["debootstrap", "--variant=minbase", f"--include={_INCLUDED}", release, str(root), source.uri],
        report,
    )
    excluded = [f"--exclude=.{pattern}" for pattern in _UNWANTED]
    await _execute(["tar", "-C", str(root), *excluded, "--numeric-owner", "-cf", str(archive), "."], report)


async def _sources(release: str) -> list[PackageSource]:
    """The distribution's own entries for its release, updates and security fixes among them."""
    fields = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    listed = await _execute(["apt-get", "indextargets", "--format", fields, "Identifier: Packages"])
    wanted = {release, f"{release}-updates", f"{release}-security"}
    rows = [row.split("|") for row in dict.fromkeys(listed.splitlines()) if row.count("|") == 2]
    found = [
        PackageSource(uri, suite) for uri, suite, component in rows if suite in wanted and component == "main"
    ]
    if not any(source.release == release for source in found):
        raise ImageBuildFailed(
            f"apt on this machine is not set up for {release}; check /etc/apt/sources.list."
        )
    return sorted(found, key=lambda source: source.release)


async def _execute(command: list[str], report: Callable[[float], None] = lambda _: None) -> str:
    """Run a tool to its end; its output, or ImageBuildFailed with the last it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
    )
    try:
        said = await _read(process, _STEPS.get(command[0], 1), report)
        if await process.wait() != 0:
            raise ImageBuildFailed(f"{command[0]} stopped: {' '.join(said.split()[-60:])}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said


async def _read(process: asyncio.subprocess.Process, steps: int, report: Callable[[float], None]) -> str:
    assert process.stdout is not None
    lines: list[str] = []
    done = 0
    async for raw in process.stdout:
        lines.append(raw.decode("utf-8", "replace"))
        if lines[-1].startswith("I: "):
            done += 1
            report(min(done / steps, 0.99))
    return "".join(lines)


def release() -> str:
    """The code name of this machine's distribution, such as `bookworm`; `unknown` if it has none."""
    lines = Path("/etc/os-release").read_text("utf-8").splitlines()
    named = dict(line.split("=", 1) for line in lines if "=" in line)
    return named.get("VERSION_CODENAME", "unknown").strip('"')
