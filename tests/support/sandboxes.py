"""Fixtures of tests that need the real Docker Engine: the image, made once, and a sandbox for each test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from sandbox.engine import DockerEngine
from sandbox.image.build import ensure_image
from sandbox.job import Job, Run
from sandbox.limits import SandboxLimits
from sandbox.sandbox import Sandbox

RunCode = Callable[..., Awaitable[Run]]


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


@pytest.fixture
async def run_code(sandbox_image: str) -> RunCode:
    """Run code in a sandbox of its own limits; the test's word for one whole call."""

    async def run(code: str, *, files: dict[str, bytes] | None = None, **limits: object) -> Run:
        async with Sandbox(SandboxLimits(**limits), image=sandbox_image, ready=0) as entered:  # type: ignore[arg-type]
            return await entered.run(Job(code=code, files=files or {}))

    return run
