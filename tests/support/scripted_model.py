"""An OpenAI-compatible endpoint on loopback with scripted replies; it validates each request.

It is a real HTTP server with real server-sent events; it is as strict as the strictest vendor, and it fails
the test for a reply that was not fetched (`assert_complete`).

    async with ScriptedModel([Call("create_worker", {"task_description": "…"}), Say("Done.")]) as model:
        ...  # a client with base_url=model.base_url
        model.assert_complete()
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Container, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.support import chat_wire, responses_wire
from tests.support.model_delivery import Delivery
from tests.support.model_echo import Echo
from tests.support.model_replies import (
    Asked,
    BadJson,
    BadUtf8,
    Call,
    Cut,
    Empty,
    Endless,
    Fault,
    Hang,
    Html502,
    Polite,
    Raw,
    Reply,
    Say,
    StreamError,
    Turn,
    Usage,
    openai_error,
)
from tests.support.model_rules import violation
from tests.support.model_scripts import Answering, Roles, Script, script_of

__all__ = [
    "Asked",
    "BadJson",
    "BadUtf8",
    "Call",
    "Cut",
    "Empty",
    "Endless",
    "Fault",
    "Hang",
    "Html502",
    "Polite",
    "Raw",
    "Reply",
    "Roles",
    "Say",
    "ScriptedModel",
    "StreamError",
    "Turn",
    "Usage",
    "openai_error",
]

_LARGEST_REQUEST = 64 * 1024 * 1024


class ScriptedModel:
    """The endpoint, as an async context manager.

    `replies` is a list (in order, for all agents), `Roles` (orchestrator and workers apart), or an async
    function from the request to its reply. Options, each a rule or a habit of a known vendor:

    - `require_reasoning_echo`: turns with tool calls carry `reasoning_content`, which must come back
      (DeepSeek); on Responses, a sealed reasoning item that must come back.
    - `require_signature_echo`: the first tool call of a turn has a signature that must come back (Gemini).
    - `chat_refuses_tools`: tools on chat completions get a 400 that names /v1/responses (gpt-5.6).
    - `no_responses`: /v1/responses is a 404 (most self-hosted servers).
    - `streams`: off for servers that answer whole, whatever they are asked.
    - `sends_usage`: off for servers that count nothing.
    - `prefix`: the path of its base URL; `fields`: those of a request that it knows, and refuses others.
    - `allows`: a word of the rules (`model_rules`) that are not enforced.
    - `owner`: what the list of models says that the server is.
    - `latency`: seconds before the first byte; `chunk_delay`: seconds after each chunk;
      `piece`: characters per chunk.
    """

    def __init__(
        self,
        replies: Sequence[Reply] | Answering | Script,
        *,
        require_reasoning_echo: bool = False,
        require_signature_echo: bool = False,
        chat_refuses_tools: bool = False,
        no_responses: bool = False,
        streams: bool = True,
        sends_usage: bool = True,
        latency: float = 0.0,
        chunk_delay: float = 0.0,
        piece: int = 7,
        prefix: str = "/v1",
        fields: Container[str] | None = None,
        host: str = "127.0.0.1",
        allows: str = "",
        owner: str = "",
    ) -> None:
        self._host = host
        self._allows = allows
        self._owner = owner
        self._script = script_of(replies)
        self._echo = Echo(reasoning=require_reasoning_echo, signature=require_signature_echo)
        self._chat_refuses_tools = chat_refuses_tools
        self._no_responses = no_responses
        self._streams = streams
        self._sends_usage = sends_usage
        self._latency = latency
        self._chunk_delay = chunk_delay
        self._piece = piece
        self._prefix = prefix
        self._fields = fields
        self._running = 0
        self._stack = AsyncExitStack()
        self.base_url = ""
        self.requests: list[Asked] = []
        """Every request for a turn, in the order of arrival, refused ones included."""
        self.problems: list[str] = []
        """What the client did wrong: a broken rule of the wire, or a request without a scripted reply."""
        self.most_at_once = 0
        """The largest number of turns that were under way at the same time."""
        self.connections: set[object] = set()
        """Where requests came from: one address and port for each connection."""
        self.hung_up = 0
        """How many turns the client left before they were complete."""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        app.router.add_get(f"{self._prefix}/models", self._models)
        app.router.add_post(f"{self._prefix}/chat/completions", self._answer)
        app.router.add_post(f"{self._prefix}/responses", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, self._host, 0).start()
        self.base_url = f"http://{self._host}:{runner.addresses[0][1]}{self._prefix}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def assert_complete(self) -> None:
        """Fail unless every scripted reply was fetched and the client kept every rule of the wire."""
        unused = [f"never asked for: {line}" for line in self._script.left()]
        assert not (found := self.problems + unused), "\n".join(found)

    async def _models(self, _request: web.Request) -> web.Response:
        listed = {"id": "scripted-1", "object": "model", "owned_by": self._owner}
        return web.json_response({"object": "list", "data": [listed]})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked = await _read(request)
        if isinstance(asked, str):
            return self._refuse(400, asked)
        self.requests.append(asked)
        self.connections.add(request.transport and request.transport.get_extra_info("peername"))
        number = len(self.requests)
        if refusal := self._vendor_refusal(asked):
            return refusal
        if (
            problem := violation(asked, self._allows)
            or self._echo.violation(asked)
            or self._unknown_field(asked)
        ):
            return self._refuse(400, problem)
        async with self._under_way():
            await asyncio.sleep(self._latency)
            reply = await self._script.next(asked)
            if reply is None:
                return self._refuse(500, _unscripted(asked, number))
            return await self._deliver(request, asked, _as_turn(reply), number)

    async def _deliver(
        self, request: web.Request, asked: Asked, reply: Reply, number: int
    ) -> web.StreamResponse:
        if isinstance(reply, Turn):
            calls = tuple(
                call if call.id else replace(call, id=f"call_{number}_{index}")
                for index, call in enumerate(reply.calls)
            )
            reply = self._echo.dress(replace(reply, calls=calls), number)
        delivery = Delivery(
            request=request,
            wire=responses_wire if asked.api == "responses" else chat_wire,
            stream=self._streams and bool(asked.body.get("stream")),
            model=str(asked.body["model"]),
            number=number,
            piece=self._piece,
            chunk_delay=self._chunk_delay,
            usage=self._usage(asked, reply),
        )
        return await delivery.send(reply)

    def _usage(self, asked: Asked, reply: Reply) -> Usage | None:
        wanted = (asked.body.get("stream_options") or {}).get("include_usage")
        if not self._sends_usage or (asked.api == "chat" and asked.body.get("stream") and not wanted):
            return None
        if isinstance(reply, Turn) and reply.usage:
            return reply.usage
        said = sum(map(len, _words(reply))) if isinstance(reply, Turn) else 1
        return Usage(prompt=len(json.dumps(asked.body)) // 4, completion=max(1, said // 4))

    def _vendor_refusal(self, asked: Asked) -> web.Response | None:
        if asked.api == "responses" and self._no_responses:
            return web.json_response(
                {"error": {"message": "Not Found", "type": "not_found", "code": 404}}, status=404
            )
        if asked.api == "chat" and self._chat_refuses_tools and asked.tools:
            sentence = (
                f"Function tools with reasoning_effort are not supported for {asked.body.get('model')} in "
                "/v1/chat/completions. Please use /v1/responses instead."
            )
            return web.json_response(_error(sentence), status=400)
        return None

    def _unknown_field(self, asked: Asked) -> str | None:
        unknown = [] if self._fields is None else [name for name in asked.body if name not in self._fields]
        return f"Unrecognized request argument supplied: {', '.join(unknown)}" if unknown else None

    def _refuse(self, status: int, sentence: str) -> web.Response:
        self.problems.append(sentence)
        return web.json_response(_error(sentence), status=status)

    @asynccontextmanager
    async def _under_way(self) -> AsyncIterator[None]:
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        try:
            yield
        except (asyncio.CancelledError, ConnectionResetError):
            self.hung_up += 1
            raise
        finally:
            self._running -= 1


async def _read(request: web.Request) -> Asked | str:
    try:
        body = json.loads((await request.read()).decode())
    except ValueError as error:
        return f"We could not parse the JSON body of your request: {error}"
    if not isinstance(body, dict):
        return "The JSON body of your request must be an object."
    return Asked(path=request.path, headers=dict(request.headers), body=body)


def _as_turn(reply: Reply) -> Reply:
    match reply:
        case Say():
            return Turn(text=reply.text)
        case Call():
            return Turn(calls=(reply,))
        case Empty():
            return Turn()
        case _:
            return reply


def _words(turn: Turn) -> list[str]:
    return [turn.text, *(call.wire_arguments for call in turn.calls)]


def _unscripted(asked: Asked, number: int) -> str:
    who = (
        "the orchestrator"
        if asked.is_orchestrator
        else "a worker"
        if asked.is_worker
        else "an agent without tools"
    )
    return (
        f"Request {number}, by {who}, has no scripted reply. Last said by a user: {asked.last_user[:200]!r}"
    )


def _error(sentence: str) -> dict[str, Any]:
    return {"error": {"message": sentence, "type": "invalid_request_error", "param": None, "code": None}}
