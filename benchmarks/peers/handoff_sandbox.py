"""Handoff's own sandbox, measured like the others: a fresh container for each call."""

# mypy: ignore-errors
from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial

from sandbox_stopwatch import AT_ONCE, measure

from sandbox.job import Job
from sandbox.sandbox import Sandbox


@asynccontextmanager
async def opened(image, ready):
    async with Sandbox(image=image, ready=ready, most=ready * 2) as sandbox:

        async def call(code: str) -> str:
            return (await sandbox.run(Job(code=code))).stdout

        yield call


measure(partial(opened, ready=2), partial(opened, ready=AT_ONCE))
