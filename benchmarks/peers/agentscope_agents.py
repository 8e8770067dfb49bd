"""The scenario in AgentScope 1, after its tutorial on handoffs. Runs in an environment of its own."""

# mypy: ignore-errors
from __future__ import annotations

from agentscope.agent import ReActAgent
from agentscope.formatter import OpenAIChatFormatter
from agentscope.memory import InMemoryMemory
from agentscope.message import Msg, TextBlock
from agentscope.model import OpenAIChatModel
from agentscope.tool import Toolkit, ToolResponse
from stopwatch import BRIEF, measure


def prepare(url, name):
    model = OpenAIChatModel(model_name=name, api_key="none", stream=False, client_kwargs={"base_url": url})

    def agent(role, tool):
        toolkit = Toolkit()
        toolkit.register_tool_function(tool)
        made = ReActAgent(
            name=role, sys_prompt=BRIEF, model=model, formatter=OpenAIChatFormatter(), toolkit=toolkit,
            memory=InMemoryMemory(), max_iters=100,
        )  # fmt: skip
        made.set_console_output_enabled(False)
        return made

    async def execute_python_code(code: str) -> ToolResponse:
        """Run Python code.

        Args:
            code (str): The code.
        """
        return ToolResponse(content=[TextBlock(type="text", text="42\n")])

    async def create_worker(task_description: str) -> ToolResponse:
        """Create a worker for a part of the task.

        Args:
            task_description (str): The part.
        """
        said = await agent("worker", execute_python_code)(Msg("user", task_description, "user"))
        return ToolResponse(content=[TextBlock(type="text", text=said.get_text_content())])

    async def scenario():
        said = await agent("orchestrator", create_worker)(Msg("user", "do it", "user"))
        return said.get_text_content()

    return scenario


measure(prepare)
