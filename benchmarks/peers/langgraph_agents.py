"""The scenario in LangChain's agents on LangGraph. Runs in an environment of its own."""

# mypy: ignore-errors
from __future__ import annotations

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from stopwatch import BRIEF, measure

LIMIT = {"recursion_limit": 500}


def prepare(url, name):
    model = ChatOpenAI(model=name, base_url=url, api_key="none", use_responses_api=False)

    async def execute_python_code(code: str) -> str:
        """Run Python code."""
        return "42\n"

    async def create_worker(task_description: str) -> str:
        """Create a worker for a part of the task."""
        worker = create_agent(model, tools=[execute_python_code], system_prompt=BRIEF)
        return await run(worker, task_description)

    async def run(agent, words):
        ended = await agent.ainvoke({"messages": [("user", words)]}, config=LIMIT)
        return ended["messages"][-1].text

    async def scenario():
        return await run(create_agent(model, tools=[create_worker], system_prompt=BRIEF), "do it")

    return scenario


measure(prepare)
