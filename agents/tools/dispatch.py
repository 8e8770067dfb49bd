"""Runs one tool call within its agent's time; each failure becomes a result that the model reads."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from agents import tracing
from agents.budget import Meter
from agents.conversation import ToolCall
from agents.errors import AgentError, RepeatedPrompt, ToolFailure
from agents.tools import Tool, ToolOutput

log = structlog.get_logger(__name__)


#: In the facts of a result: the call only repeated what the model was given.
REPEATS = "repeats"


async def dispatch(
    call: ToolCall, tools: Mapping[str, Tool], meter: Meter, instructions: str = ""
) -> ToolOutput:
    """The output of a call, cut at the meter's deadline. Raises the errors that end an agent's work.

    A call whose arguments quote sentences of `instructions` is refused.
    """
    tool = tools.get(call.name)
    if tool is None:
        return ToolOutput(f"Error: there is no tool {call.name}. The tools are: {', '.join(tools)}.")
    try:
        async with meter.timeout() as limit:
            with tracing.tool(call) as span:
                output = await tool.call(call, instructions)
                tracing.record_result(span, output.text)
                return output
    except RepeatedPrompt as repeated:
        return ToolOutput(f"Error: {repeated}", {REPEATS: True})
    except ToolFailure as failure:
        return ToolOutput(f"Error: {failure}")
    except (AgentError, KeyboardInterrupt):
        raise
    except BaseException as error:
        # A tool's own exit would end the process, and its own cancellation would look like a stop.
        if isinstance(error, asyncio.CancelledError) and _is_cancelled():
            raise
        if isinstance(error, TimeoutError) and limit.expired():
            return ToolOutput(f"Error: {meter.time_is_up}, and {call.name} was cut.")
        log.exception("tool failed", tool=call.name)
        return ToolOutput(
            f"Error: {call.name} failed inside Handoff; your call was not the cause. "
            "Try another way, or say that it failed."
        )


def _is_cancelled() -> bool:
    """Whether the current task is being cancelled from outside."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
