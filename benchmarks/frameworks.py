"""The two sequential scenarios of `benchmarks.agents` in other frameworks, on the same endpoint.

Each is installed into an environment of its own below the cache folder, the first time; one that does not
install here is said to. CPU is that of the process that runs it. None has our limits, journal or reports.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from benchmarks.model_process import model_process

#: The newest that were tried, and what AgentScope's release needs besides to be importable at all.
PEERS = {
    "AgentScope 1.0.21": ("agentscope_agents", "agentscope==1.0.21 mcp<2 sqlalchemy<2.1 greenlet tqdm"),
    "openai-agents": ("openai_agents", "openai-agents>=0.24,<0.25"),
    "pydantic-ai": ("pydantic_ai_agents", "pydantic-ai-slim[openai]>=2,<3"),
    "langgraph": ("langgraph_agents", "langchain>=1.2,<2 langgraph>=1.2,<2 langchain-openai"),
}
SCENARIOS = {"p1-t1-l0": (4, 10), "p1-t40-l0": (43, 1)}
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "handoff-bench"
SCRIPTS = Path(__file__).parent / "peers"


class Failed(Exception):
    """A command that ended with an error; `str()` is its last line."""


async def main() -> None:
    print("| CPU ms per turn | one tool turn | 40 tool turns |\n|---|---|---|")
    async with model_process() as url:
        for name, (script, requirements) in PEERS.items():
            try:
                python = await _environment(script, requirements.split())
                cells = [await _measured(python, script, url, model) for model in SCENARIOS]
            except Failed as failed:
                cells = [f"does not run here: {failed}", ""]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


async def _environment(name: str, requirements: list[str]) -> Path:
    folder = CACHE / name
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.exists():
        await _output(sys.executable, "-m", "venv", "--clear", str(folder))
        await _output(str(python), "-m", "pip", "install", "--quiet", *requirements)
        done.touch()
    return python


async def _measured(python: Path, script: str, url: str, model: str) -> str:
    turns, times = SCENARIOS[model]
    said = await _output(str(python), str(SCRIPTS / f"{script}.py"), url, model, str(turns), str(times))
    return f"{float(said.split()[-1]):.2f}"


async def _output(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, cwd=SCRIPTS)
    out, faults = await process.communicate()
    if process.returncode:
        lines = faults.decode(errors="replace").strip().splitlines() or ["no word about why"]
        raise Failed(lines[-1][:200])
    return out.decode()
