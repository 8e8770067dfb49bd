"""Tokens that Handoff sends for three requests: a greeting, a small question, and a task of three parts.

The replies are fixed, and nothing is run. A token is taken for four characters of the request, which is near
what services count for English. `docs/agents.md` has the table.
"""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from agents.conversation import ModelReply, ToolCall, UserTurn
from agents.journal import EmptyInbox, MemoryJournal
from agents.model.endpoint import Endpoint
from agents.model.wire import ModelRequest, Options
from agents.model.wire.chat import ChatWire
from agents.orchestrator import AgentDeps, Orchestrator
from benchmarks.agents import InstantSandbox
from sandbox.workspace import Workspace

_RUN = ("execute_python_code", {"code": "print(6 * 7)"})
_REPORT = ("report", {"status": "done", "summary": "42", "evidence": "print(6 * 7) printed 42"})


def _brief(what: str) -> tuple[str, dict[str, Any]]:
    return ("create_worker", {"task_description": f"{what}. Give the number.", "title": what})


@dataclass(frozen=True)
class Request:
    """A request of a person, and what the orchestrator replies with; each worker runs once and reports."""

    name: str
    text: str
    replies: tuple[tuple[tuple[str, dict[str, Any]], ...], ...]


REQUESTS = (
    Request("hi", "Ada: hi", ()),
    Request("a small question", "Ada: what is 6 times 7?", ((_brief("Multiply 6 by 7"),),)),
    Request(
        "a task of three parts", "Ada: what are 6 times 7, 8 times 9 and 3 times 5?",
        ((_brief("Multiply 6 by 7"), _brief("Multiply 8 by 9"), _brief("Multiply 3 by 5")),),
    ),
)  # fmt: skip


class FixedEndpoint(Endpoint):
    """Replies from a script, and measures each request as Chat Completions has it."""

    def __init__(self, request: Request) -> None:
        super().__init__(api_key="none", base_url="http://127.0.0.1:1/v1")
        self._left = list(request.replies)
        self.characters: list[int] = []

    async def complete(self, request: ModelRequest, *_: Any, **__: Any) -> ModelReply:
        self.characters.append(len(json.dumps(ChatWire().body(request, Options()))))
        if "execute_python_code" in [tool.name for tool in request.tools]:
            return _reply((_REPORT if len(request.turns) > 1 else _RUN,))
        return _reply(self._left.pop(0)) if self._left else ModelReply(text="Here you are.", model="m")


def _reply(calls: tuple[tuple[str, dict[str, Any]], ...]) -> ModelReply:
    made = [
        ToolCall(f"call{number:05}", name, json.dumps(given)) for number, (name, given) in enumerate(calls)
    ]
    return ModelReply(calls=tuple(made), finish="tool_calls", model="m")


async def measure(request: Request) -> tuple[int, int]:
    """The number of requests, and the tokens of all of them."""
    with tempfile.TemporaryDirectory() as folder:
        endpoint = FixedEndpoint(request)
        async with endpoint:
            deps = AgentDeps(endpoint=endpoint, sandbox=InstantSandbox(), model="m", worker_model="m")
            orchestrator = Orchestrator(
                deps, workspace=Workspace(Path(folder)), journal=MemoryJournal(), inbox=EmptyInbox(),
                emit=lambda _: None,
            )  # fmt: skip
            await orchestrator.answer(
                [UserTurn(f"{request.text}\n\n[Asked on Monday, 2026-11-30 09:00 UTC.]")]
            )
    return len(endpoint.characters), sum(endpoint.characters) // 4


async def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print("| request | model requests | tokens sent |")
    print("|---|---|---|")
    for request in REQUESTS:
        count, tokens = await measure(request)
        print(f"| {request.name} | {count} | {tokens:,} |")


if __name__ == "__main__":
    asyncio.run(main())
