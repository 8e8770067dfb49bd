"""autogen: `docker exec` in one reused container. Runs in an environment of its own."""

# mypy: ignore-errors
from __future__ import annotations

from contextlib import asynccontextmanager

from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock
from autogen_ext.code_executors.docker import DockerCommandLineCodeExecutor
from sandbox_stopwatch import measure


@asynccontextmanager
async def opened(image):
    async with DockerCommandLineCodeExecutor(image=image) as executor:

        async def call(code: str) -> str:
            block = CodeBlock(code=code, language="python")
            return (await executor.execute_code_blocks([block], CancellationToken())).output

        yield call


measure(opened)
