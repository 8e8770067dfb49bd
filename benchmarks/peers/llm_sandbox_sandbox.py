"""llm-sandbox: `docker exec` in one reused container, without its set-up."""

# mypy: ignore-errors
from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from llm_sandbox import SandboxSession
from sandbox_stopwatch import measure


@asynccontextmanager
async def opened(image):
    session = SandboxSession(lang="python", image=image, keep_template=True, skip_environment_setup=True)
    await asyncio.to_thread(session.open)

    async def call(code: str) -> str:
        return (await asyncio.to_thread(session.run, code)).stdout

    try:
        yield call
    finally:
        await asyncio.to_thread(session.close)


measure(opened)
