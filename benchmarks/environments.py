"""Environments for what we are compared with, each made at its first use and kept in a cache folder."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "handoff-bench"
SCRIPTS = Path(__file__).parent / "peers"
_SECONDS = 300  # for a command; what takes longer hangs


class Failed(Exception):
    """A command that ended with an error; `str()` is its last line."""


async def environment(name: str, requirements: Sequence[str]) -> Path:
    """The interpreter of an environment with `requirements`. Raises `Failed` when they can't be installed."""
    folder = CACHE / name
    python = folder / "bin" / "python"
    done = folder / "installed"
    wanted = "\n".join(requirements)
    if not done.exists() or done.read_text() != wanted:
        await output(sys.executable, "-m", "venv", "--clear", str(folder))
        await output(str(python), "-m", "pip", "install", "--quiet", *requirements)
        done.write_text(wanted)
    return python


async def output(*command: str, **variables: str) -> str:
    """What a command, run among the scripts, prints. Raises `Failed` for any other end than a good one."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stderr=PIPE, cwd=SCRIPTS, env=os.environ | variables
    )
    try:
        async with asyncio.timeout(_SECONDS):
            out, faults = await process.communicate()
    except TimeoutError:
        raise Failed(f"no end after {_SECONDS} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = faults.decode(errors="replace").strip().splitlines() or ["no word about why"]
        raise Failed(lines[-1][:200])
    return out.decode()
