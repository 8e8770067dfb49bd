"""Fixtures of tests that need the real Docker Engine: the image and sandboxes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import pytest
import pytest_asyncio

from sandbox.engine import DockerEngine
from sandbox.files import SandboxFile
from sandbox.image.build import ensure_image
from sandbox.job import Job, Run, Status
from sandbox.limits import SandboxLimits
from sandbox.sandbox import Sandbox
from sandbox.snapshot import Kept, Snapshot
from sandbox.workspace import Workspace

RunCode = Callable[..., Awaitable[Run]]


async def left(
    workspace: Workspace,
    files: Mapping[str, bytes],
    *,
    removed: Sequence[str] = (),
    owner: str = "w1",
    since: Snapshot | None = None,
) -> Kept:
    """Keep what a run of `owner` would leave, one that began now or with the files of `since`."""
    made = {name: SandboxFile.of(content) for name, content in files.items()}
    run = Run(
        status=Status.OK, exit_code=0, stdout="", stderr="", seconds=0, files=made, removed=tuple(removed)
    )
    return await workspace.keep(run, since or await workspace.snapshot(), owner)


async def contents(workspace: Workspace) -> dict[str, bytes]:
    """Every file of a workspace."""
    return {name: file.read() for name, file in (await workspace.snapshot()).files.items()}


@pytest.fixture(scope="session")
def sandbox_image() -> str:
    """The image's name; the first time on a machine this takes a minute or two.

    `HANDOFF_SANDBOX_IMAGE` puts another one to the test, such as a team's own.
    """
    if own := os.environ.get("HANDOFF_SANDBOX_IMAGE"):
        return own

    async def made() -> str:
        async with DockerEngine() as engine:
            return await ensure_image(engine)

    return asyncio.run(made())


@pytest.fixture
async def sandbox(sandbox_image: str) -> AsyncIterator[Sandbox]:
    """A sandbox with the limits everybody has, and nothing kept ready."""
    async with Sandbox(image=sandbox_image, ready=0) as entered:
        yield entered


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_sandbox(sandbox_image: str) -> AsyncIterator[Sandbox]:
    """A sandbox with the default limits for all programs of this worker of pytest."""
    async with Sandbox(image=sandbox_image, ready=0) as entered:
        yield entered


@pytest_asyncio.fixture(loop_scope="session")
async def run_code(shared_sandbox: Sandbox) -> RunCode:
    """Runs a program: in the shared sandbox, or in one of its own where it has limits of its own."""

    async def run(code: str, *, files: dict[str, bytes] | None = None, **limits: object) -> Run:
        job = Job(code=code, files=files or {})
        if not limits:
            return await shared_sandbox.run(job)
        image = shared_sandbox.image
        async with Sandbox(SandboxLimits(**limits), image=image, ready=0) as entered:  # type: ignore[arg-type]
            return await entered.run(job)

    return run
