"""The scenario in openai-agents. Runs in an environment of its own, where `agents` is that package."""

# mypy: ignore-errors
from __future__ import annotations

from openai import AsyncOpenAI
from stopwatch import BRIEF, measure

from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled


def prepare(url, name):
    set_tracing_disabled(True)
    model = OpenAIChatCompletionsModel(model=name, openai_client=AsyncOpenAI(base_url=url, api_key="none"))

    @function_tool
    async def execute_python_code(code: str) -> str:
        """Run Python code."""
        return "42\n"

    @function_tool
    async def create_worker(task_description: str) -> str:
        """Create a worker for a part of the task."""
        worker = Agent(name="worker", instructions=BRIEF, tools=[execute_python_code], model=model)
        return (await Runner.run(worker, task_description, max_turns=100)).final_output

    async def scenario():
        orchestrator = Agent(name="orchestrator", instructions=BRIEF, tools=[create_worker], model=model)
        return (await Runner.run(orchestrator, "do it", max_turns=100)).final_output

    return scenario


measure(prepare)
