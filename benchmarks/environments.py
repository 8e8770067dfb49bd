"""Virtual environments for the peers, created on first use and cached."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "handoff-bench"
SCRIPTS = Path(__file__).parent / "peers"
_SECONDS = 300  # per command; a longer one hangs


class Failed(Exception):
    """A command failed. `str()` is its last output line."""


async def environment(name: str, requirements: Sequence[str]) -> Path:
    """The interpreter of an environment with `requirements`. Raises `Failed` if they can't be installed."""
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
    """The output of a command that runs in the scripts' folder. Raises `Failed` if it fails."""
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
