"""openai-agents' sandbox on Docker: `docker exec` in one reused container."""

# mypy: ignore-errors
from __future__ import annotations

from contextlib import asynccontextmanager

import docker
from agents.sandbox.sandboxes.docker import DockerSandboxClient, DockerSandboxClientOptions
from sandbox_stopwatch import measure


@asynccontextmanager
async def opened(image):
    client = DockerSandboxClient(docker.from_env())
    session = await client.create(options=DockerSandboxClientOptions(image=image))
    try:
        await session.start()

        async def call(code: str) -> str:
            return (await session.exec("python3", "-c", code, shell=False)).stdout.decode()

        yield call
    finally:
        await session.shutdown()
        await client.delete(session)


measure(opened)
