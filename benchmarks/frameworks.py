"""The two sequential scenarios of `benchmarks.agents` in other frameworks, on the same endpoint.

Each framework gets a cached environment of its own on first use; one that can't be installed is reported. The
CPU time is that of its process. None has our limits, journal or reports.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.environments import SCRIPTS, Failed, environment, output
from benchmarks.model_process import model_process

#: The newest tested versions, and the pins that AgentScope's release needs to be importable.
PEERS = {
    "AgentScope 1.0.21": ("agentscope_agents", "agentscope==1.0.21 mcp<2 sqlalchemy<2.1 greenlet tqdm"),
    "openai-agents": ("openai_agents", "openai-agents>=0.24,<0.25"),
    "pydantic-ai": ("pydantic_ai_agents", "pydantic-ai-slim[openai]>=2,<3"),
    "langgraph": ("langgraph_agents", "langchain>=1.2,<2 langgraph>=1.2,<2 langchain-openai"),
}
SCENARIOS = {"p1-t1-l0": (4, 10), "p1-t40-l0": (43, 1)}


async def main() -> None:
    print("| CPU ms per turn | one tool turn | 40 tool turns |\n|---|---|---|")
    async with model_process() as url:
        for name, (script, requirements) in PEERS.items():
            try:
                python = await environment(script, requirements.split())
                cells = [await _measured(python, script, url, model) for model in SCENARIOS]
            except Failed as failed:
                cells = [f"does not run here: {failed}", ""]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


async def _measured(python: Path, script: str, url: str, model: str) -> str:
    turns, times = SCENARIOS[model]
    said = await output(str(python), str(SCRIPTS / f"{script}.py"), url, model, str(turns), str(times))
    return f"{float(said.split()[-1]):.2f}"
