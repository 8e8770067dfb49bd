"""SWE-ReX: an HTTP server in one reused container, a process for each call."""

# mypy: ignore-errors
from __future__ import annotations

import logging
from contextlib import asynccontextmanager

from sandbox_stopwatch import measure
from swerex.deployment.docker import DockerDeployment
from swerex.runtime.abstract import Command


@asynccontextmanager
async def opened(image):
    deployment = DockerDeployment(image=image, pull="never", logger=logging.getLogger("quiet"))
    await deployment.start()

    async def call(code: str) -> str:
        return (await deployment.runtime.execute(Command(command=["python3", "-c", code]))).stdout

    try:
        yield call
    finally:
        await deployment.stop()


measure(opened)
