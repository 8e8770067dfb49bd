"""The scenario in pydantic-ai. Runs in an environment of its own."""

# mypy: ignore-errors
from __future__ import annotations

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.usage import UsageLimits
from stopwatch import BRIEF, measure

NO_LIMIT = UsageLimits(request_limit=None)


def prepare(url, name):
    model = OpenAIChatModel(name, provider=OpenAIProvider(base_url=url, api_key="none"))

    async def execute_python_code(code: str) -> str:
        """Run Python code."""
        return "42\n"

    async def create_worker(task_description: str) -> str:
        """Create a worker for a part of the task."""
        worker = Agent(model, instructions=BRIEF, tools=[execute_python_code])
        return (await worker.run(task_description, usage_limits=NO_LIMIT)).output

    async def scenario():
        orchestrator = Agent(model, instructions=BRIEF, tools=[create_worker])
        return (await orchestrator.run("do it", usage_limits=NO_LIMIT)).output

    return scenario


measure(prepare)
