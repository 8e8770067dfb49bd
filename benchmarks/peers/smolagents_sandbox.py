"""smolagents: one Jupyter kernel in one reused container. Runs in an environment of its own."""

# mypy: ignore-errors
from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from sandbox_stopwatch import measure
from smolagents.monitoring import AgentLogger, LogLevel
from smolagents.remote_executors import DockerExecutor

GATEWAY = "python3 -m kernel_gateway --KernelGatewayApp.ip=0.0.0.0 --KernelGatewayApp.port=8888"


@asynccontextmanager
async def opened(image):
    executor = await asyncio.to_thread(
        DockerExecutor,
        [],
        AgentLogger(level=LogLevel.OFF),
        image_name=image,
        build_new_image=False,
        container_run_kwargs={"command": GATEWAY},
    )

    async def call(code: str) -> str:
        return (await asyncio.to_thread(executor.run_code_raise_errors, code)).logs

    try:
        yield call
    finally:
        await asyncio.to_thread(executor.cleanup)


measure(opened)
