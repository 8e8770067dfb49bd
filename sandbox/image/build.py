"""Sees to it that the engine has the image: there already, or made now, step by step.

A base is pulled; where no registry answers it is made from Debian packages. Wheels are fetched here
by pip for the image's own Python and checked by hash, so that the build itself needs no network.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from docker.errors import APIError
from docker.utils import parse_repository_tag

from sandbox.engine import DockerEngine
from sandbox.errors import EngineUnavailable, ImageBuildFailed
from sandbox.image import base
from sandbox.image.tag import REPOSITORY, Recipe

IMAGE_LABEL = "handoff.sandbox.image"
#: On the image: what its base was, by digest, so that a later look knows what the programs run in.
BASE_LABEL = "handoff.sandbox.base"
_PULL_SECONDS = 600
# What wheels are built for; the bases have 2.36 and later.
_GLIBC = ("2_17", "2_24", "2_26", "2_27", "2_28", "2_31", "2_34")
_PIN = re.compile(r"^[\w.-]+==[^\s\\]+", re.MULTILINE)
_VERSION_CODE = "import sys; print('%d.%d' % sys.version_info[:2])"


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """A step of the build: its number from 1, how many there are, what it does, how far it is from 0 to 1."""

    step: int
    steps: int
    text: str
    done: float

    def __str__(self) -> str:
        share = f" {self.done:4.0%}" if 0 < self.done < 1 else ""
        return f"[{self.step}/{self.steps}] {self.text}{share}"


ReportProgress = Callable[[BuildProgress], None]


async def ensure_image(
    engine: DockerEngine, recipe: Recipe | None = None, report: ReportProgress = lambda _: None
) -> str:
    """The name of the image of `recipe`, made when the engine lacks it: a minute or two, then milliseconds.

    Raises ImageBuildFailed with the step that stopped and what to do, EngineUnavailable without Docker.
    """
    recipe = recipe or Recipe()
    if await engine.image_id(recipe.tag) is None:
        with tempfile.TemporaryDirectory(prefix="handoff-image-") as folder:
            await _Build(engine, recipe, Path(folder), report).make()
    return recipe.tag


async def remove_old(
    engine: DockerEngine, recipe: Recipe, *, repository: str = REPOSITORY
) -> tuple[str, ...]:
    """Remove images of other recipes and what building left, but none that a container uses; their names."""

    def remove() -> tuple[str, ...]:
        found = [tag for image in engine.client.images(repository) for tag in image.get("RepoTags") or ()]
        gone = tuple(tag for tag in found if tag != recipe.tag and _removed(engine, tag))
        engine.client.prune_images(filters={"dangling": True, "label": IMAGE_LABEL})
        return gone

    return await engine.call(remove)


def _removed(engine: DockerEngine, tag: str) -> bool:
    try:
        engine.client.remove_image(tag)
    except APIError as error:
        if error.status_code not in (404, 409):
            raise
        return False
    return True


def pins(requirements: str) -> list[str]:
    """`name==version` of each line that pins one."""
    return _PIN.findall(requirements)


class _Build:
    STEPS = 3

    def __init__(self, engine: DockerEngine, recipe: Recipe, folder: Path, report: ReportProgress) -> None:
        self._engine, self._recipe, self._folder, self._report = engine, recipe, folder, report

    async def make(self) -> None:
        name = await self._base()
        self._say(2, "Fetching the Python packages")
        await self._wheels(name)
        await self._image(name)
        self._say(3, f"Ready: {self._recipe.tag}", 1)

    async def _base(self) -> str:
        wanted = self._recipe.base
        self._say(1, f"Looking for the base image {wanted}")
        if await self._engine.image_id(wanted) is not None:
            return wanted
        try:
            await self._pull(wanted)
            return wanted
        except (EngineUnavailable, TimeoutError) as error:
            return await self._own_base(str(error) or "the pull took too long")

    async def _pull(self, wanted: str) -> None:
        repository, tag = parse_repository_tag(wanted)
        report = self._from_here(1, f"Pulling {wanted}")
        async with asyncio.timeout(_PULL_SECONDS):
            await self._engine.call(lambda: _pull(self._engine, repository, tag or "latest", report))

    async def _own_base(self, reason: str) -> str:
        if problem := base.obstacle():
            raise ImageBuildFailed(
                f"The base image {self._recipe.base} can't be pulled ({reason}), and {problem}."
            )
        name = f"{base.REPOSITORY}:{base.release()}"
        if await self._engine.image_id(name) is None:
            self._say(1, "No registry answers; making a base from Debian packages")
            await base.make(
                self._engine, self._folder, self._from_here(1, "Making a base from Debian packages")
            )
        return name

    async def _wheels(self, base_image: str) -> None:
        """Fill the context's `wheels/`; without pip here it stays empty, and the build fetches."""
        python = await self._engine.call(lambda: _say_once(self._engine, base_image, _VERSION_CODE))
        machine = (await self._engine.facts()).architecture
        pinned = self._folder / "pinned.txt"
        texts = dict(self._recipe.context())
        if (text := texts.get(f"requirements/{python}.txt")) is None:
            has = f"Python {python}" if python else "no python3 that runs"
            raise ImageBuildFailed(
                f"The base {base_image} has {has}, and nothing is pinned for that; "
                "set HANDOFF_SANDBOX_BASE to another."
            )
        pinned.write_bytes(text)
        folder = self._folder / "wheels"
        folder.mkdir()
        if await _has_pip():
            target = tuple(_target(python, machine, folder))
            await _pip("download", "--require-hashes", "--no-deps", *target, "-r", str(pinned))
            if self._recipe.packages:
                held = self._folder / "held.txt"
                held.write_text("".join(f"{pin}\n" for pin in pins(text.decode())))
                await _pip("download", *target, "-c", str(held), *self._recipe.packages)

    async def _image(self, base_image: str) -> None:
        self._say(3, "Building the image")
        archive = self._folder / "context.tar"
        await asyncio.to_thread(self._pack, archive)
        report = self._from_here(3, "Building the image")
        labels = {BASE_LABEL: await self._engine.image_digest(base_image)}
        await self._engine.call(
            lambda: _build(self._engine, archive, base_image, self._recipe, labels, report)
        )

    def _pack(self, archive: Path) -> None:
        with tarfile.open(archive, "w") as tar:
            for name, content in self._recipe.context():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o644
                tar.addfile(entry, io.BytesIO(content))
            for wheel in sorted((self._folder / "wheels").glob("*.whl")):
                tar.add(wheel, f"wheels/{wheel.name}", filter=_plain)

    def _say(self, step: int, text: str, done: float = 0) -> None:
        self._report(BuildProgress(step, self.STEPS, text, done))

    def _from_here(self, step: int, text: str) -> Callable[[float], None]:
        """`_say` as the engine's threads may call it: passed on to the event loop."""
        loop = asyncio.get_running_loop()

        def report(done: float) -> None:
            loop.call_soon_threadsafe(self._say, step, text, done)

        return report


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def _pull(engine: DockerEngine, repository: str, tag: str, report: Callable[[float], None]) -> None:
    layers: dict[str, tuple[int, int]] = {}
    for event in engine.client.pull(repository, tag=tag, stream=True, decode=True):
        if "error" in event:
            raise OSError(str(event["error"]))
        detail = event.get("progressDetail") or {}
        if event.get("status") == "Downloading" and detail.get("total"):
            layers[str(event.get("id"))] = (int(detail.get("current", 0)), int(detail["total"]))
            report(sum(now for now, _ in layers.values()) / sum(total for _, total in layers.values()))


def _build(
    engine: DockerEngine,
    archive: Path,
    base_image: str,
    recipe: Recipe,
    labels: dict[str, str],
    report: Callable[[float], None],
) -> None:
    said: list[str] = []
    with archive.open("rb") as context:
        for event in engine.client.build(
            fileobj=context,
            custom_context=True,
            tag=recipe.tag,
            labels=labels,
            buildargs={"BASE": base_image, "EXTRA": " ".join(recipe.packages)},
            network_mode="none" if any((archive.parent / "wheels").iterdir()) else None,
            rm=True,
            forcerm=True,
            decode=True,
        ):
            if "error" in event:
                raise ImageBuildFailed(
                    f"The image could not be built: {event['error']} {' '.join(said[-20:])}"
                )
            line = str(event.get("stream", "")).strip()
            said.append(line)
            if line.startswith("Step "):
                report(_share(line))


def _share(line: str) -> float:
    """How far the engine is, from a line `Step 3/16 : …`."""
    now, _, steps = line.split()[1].partition("/")
    return (int(now) - 1) / int(steps)


def _say_once(engine: DockerEngine, image: str, code: str) -> str:
    """What a line of Python prints in a container of `image` that has no network and is gone afterwards."""
    config = {
        "Image": image,
        "Entrypoint": ["python3", "-c", code],
        "NetworkDisabled": True,
        "HostConfig": {"NetworkMode": "none", "CapDrop": ["ALL"]},
    }
    identity = engine.client.create_container_from_config(config)["Id"]
    try:
        engine.client.start(identity)
        engine.client.wait(identity)
        return bytes(engine.client.logs(identity, stderr=False)).decode().strip()
    finally:
        engine.client.remove_container(identity, force=True)


def _target(python: str, machine: str, folder: Path) -> Iterator[str]:
    yield from ("--only-binary=:all:", "--quiet", "--disable-pip-version-check", "--no-input")
    yield from ("--dest", str(folder), "--implementation", "cp", "--python-version", python)
    for glibc in reversed(_GLIBC):
        yield from ("--platform", f"manylinux_{glibc}_{machine}")
    yield from ("--platform", f"manylinux2014_{machine}")


async def _has_pip() -> bool:
    try:
        await _pip("--version")
    except ImageBuildFailed:
        return False
    return True


async def _pip(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "pip", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        text = said.decode("utf-8", "replace")
        errors = [line for line in text.splitlines() if line.startswith("ERROR")]
        reason = " ".join(errors[-3:]) or text[-300:].strip()
        raise ImageBuildFailed(f"The Python packages could not be fetched: {reason}")
