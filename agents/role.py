"""What makes an agent an orchestrator or a worker: its model, instructions and tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents.conversation import ToolCall
from agents.tools import Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The model, instructions and tools of an agent."""

    name: str
    """`orchestrator` or `worker`: all agents of a role share a prefix in the endpoint's prompt cache."""
    model: str
    """A model's name, or several with commas: the later ones are fallbacks."""
    instructions: str
    tools: Sequence[Tool]
    objection: Callable[[str], str] = lambda _: ""
    """What is wrong with a text as the agent's last words, in a sentence that the agent reads once."""
    instead: Callable[[str], Sequence[ToolCall]] = lambda _: ()
    """Calls in place of a text that is none of the agent's last words; empty for any other."""
