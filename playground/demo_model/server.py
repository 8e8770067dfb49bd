"""The demo model's HTTP server: `POST /v1/chat/completions`, streaming and not, and `GET /v1/models`.

Keeps nothing between requests. Listens on loopback by default and needs no API key.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from aiohttp import web

from playground.demo_model import orchestrator, worker
from playground.demo_model.answers import LABEL
from playground.demo_model.conversation import BadRequest, Conversation, MessageEntry, Reply, read
from playground.demo_model.wire import CHARS_PER_TOKEN, Completion, error

MODEL = "demo-scripted"

_LARGEST_REQUEST = 64 * 1024 * 1024
_DATA_URL = re.compile(rb'data:image/[^"]*')


class DemoModel:
    """The endpoint, as an async context manager. `base_url` is known after entering.

    `port` 0 takes a free port. `latency` is the seconds before a turn's first word, so that people can watch
    workers run side by side; `chunk_delay` the seconds between two chunks. Tests set both to 0. Entering
    raises `OSError` if the port is taken.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, *, latency: float = 0.4, chunk_delay: float = 0.008
    ) -> None:
        self._host = host
        self._port = port
        self._latency = latency
        self._chunk_delay = chunk_delay
        self._stack = AsyncExitStack()
        self.base_url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        app.router.add_get("/v1/models", _models)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_route("*", "/{rest:.*}", _not_here)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5, access_log=None)
        async with AsyncExitStack() as stack:
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, self._host, self._port).start()
            self._stack = stack.pop_all()
        host, port = runner.addresses[0][:2]
        self.base_url = f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exception: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = json.loads(raw)
            conversation = read(body)
            reply = next_turn(conversation)
        except (BadRequest, ValueError) as wrong:
            return web.json_response(error(f"{wrong}"), status=400)
        completion = Completion(str(body.get("model") or MODEL), reply, prompt=_length(raw, conversation))
        await asyncio.sleep(self._latency)
        if not body.get("stream"):
            return web.json_response(completion.body())
        options = body.get("stream_options") or {}
        return await self._stream(request, completion, with_usage=bool(options.get("include_usage")))

    async def _stream(
        self, request: web.Request, completion: Completion, *, with_usage: bool
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        for event in completion.events(with_usage=with_usage):
            await response.write(event)
            await asyncio.sleep(self._chunk_delay)
        await response.write_eof()
        return response


def next_turn(conversation: Conversation) -> Reply:
    """The next turn: as a worker, as the orchestrator, or in plain words if no tools are offered."""
    called = {entry.name for entry in conversation.task if not isinstance(entry, MessageEntry)}
    known = set(conversation.tools) or called
    if orchestrator.WORKER in known:
        return orchestrator.reply(conversation)
    if worker.RUN in known:
        return worker.reply(conversation)
    return Reply(LABEL)


def _length(raw: bytes, conversation: Conversation) -> int:
    """Characters of a request, with what its pictures count in place of their data."""
    said = (entry for entry in conversation.entries if isinstance(entry, MessageEntry))
    tokens = sum(picture.tokens for entry in said for picture in entry.pictures)
    return len(_DATA_URL.sub(b"", raw)) + CHARS_PER_TOKEN * tokens


async def _models(_request: web.Request) -> web.Response:
    entry = {"id": MODEL, "object": "model", "created": 0, "owned_by": "the Handoff playground"}
    return web.json_response({"object": "list", "data": [entry]})


async def _not_here(request: web.Request) -> web.Response:
    sentence = f"{request.method} {request.path} is not offered here; use /v1/chat/completions or /v1/models."
    return web.json_response(error(sentence), status=404)
