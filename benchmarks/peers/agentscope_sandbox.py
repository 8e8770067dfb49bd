"""AgentScope 1: a process on the host, without isolation. Runs in an environment of its own."""

# mypy: ignore-errors
from __future__ import annotations

import re
from contextlib import asynccontextmanager

from agentscope.tool import execute_python_code
from sandbox_stopwatch import measure


@asynccontextmanager
async def opened(image):
    async def call(code: str) -> str:
        said = (await execute_python_code(code)).content[0]["text"]
        return re.search("<stdout>(.*)</stdout>", said, re.DOTALL)[1]

    yield call


measure(opened)
