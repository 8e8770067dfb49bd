"""How a reply leaves the scripted model: as a body or a stream, whole or broken in one of the known ways."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from tests.support.model_replies import (
    BadJson,
    BadUtf8,
    Cut,
    Endless,
    Fault,
    Hang,
    Polite,
    Raw,
    Reply,
    StreamError,
    Turn,
    Usage,
)

_BROKEN_JSON = b'{"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": '
_BROKEN_UTF8 = b'{"choices": [{"index": 0, "delta": {"content": "caf\xe9 \xff"}}]}'


class Wire(Protocol):
    """What `chat_wire` and `responses_wire` have in common; bytes are whole server-sent events."""

    def body(self, turn: Turn, model: str, number: int, usage: Usage | None) -> dict[str, Any]: ...

    def frames(
        self, turn: Turn, model: str, number: int, size: int, usage: Usage | None
    ) -> tuple[list[bytes], list[bytes]]: ...

    def error_frame(self, message: str, code: str | int, after: int) -> bytes: ...


@dataclass(frozen=True)
class Delivery:
    """One answer on its way: the request, the wire's encoder, and the pace.

    `piece` is the number of characters per chunk, `chunk_delay` the seconds between chunks.
    """

    request: web.Request
    wire: Wire
    stream: bool
    model: str
    number: int
    piece: int
    chunk_delay: float
    usage: Usage | None

    async def send(self, reply: Reply) -> web.StreamResponse:
        match reply:
            case Fault():
                return _fault(reply)
            case Turn():
                return await self._turn(reply)
            case Hang():
                return await self._hang(reply)
            case Raw():
                return await self._raw(reply)
            case _ if self.stream:
                return await self._faulty_stream(reply)
            case _:
                return await self._faulty_body(reply)

    async def _turn(self, turn: Turn) -> web.StreamResponse:
        if self.stream:
            content, ending = self._frames(turn)
            return await self._stream(_each([*content, *ending]))
        return web.json_response(self.wire.body(turn, self.model, self.number, self.usage))

    async def _hang(self, hang: Hang) -> web.StreamResponse:
        if self.stream and hang.after_chunks:
            response = await self._stream(_each(self._content(hang.text)[: hang.after_chunks]), end=False)
        else:
            response = web.StreamResponse()
        await asyncio.sleep(hang.seconds)
        return self._break(response)

    async def _raw(self, raw: Raw) -> web.StreamResponse:
        response = web.StreamResponse(headers=raw.headers)
        await response.prepare(self.request)
        for piece in raw.pieces:
            await response.write(piece)
            await asyncio.sleep(self.chunk_delay)
        await asyncio.sleep(raw.hold)
        await response.write_eof()
        return response

    async def _faulty_stream(self, reply: Reply) -> web.StreamResponse:
        match reply:
            case Cut():
                sent = self._content(reply.text)[: reply.after_chunks]
                return self._break(await self._stream(_each(sent), end=False))
            case Polite():
                return await self._stream(_each(self._content(reply.text)))
            case Endless():
                return await self._stream(self._endless(reply))
            case StreamError():
                started = self._content(reply.text)
                error = self.wire.error_frame(reply.message, reply.code, len(started))
                return await self._stream(_each([*started, error]))
            case BadUtf8():
                return await self._stream(_each([b"data: " + _BROKEN_UTF8 + b"\n\n"]))
            case _:
                return await self._stream(_each([b"data: " + _BROKEN_JSON + b"\n\n"]))

    async def _faulty_body(self, reply: Reply) -> web.StreamResponse:
        match reply:
            case Cut():
                return await self._half_body(Turn(reply.text))
            case Polite():
                return web.json_response(self._unfinished(Turn(reply.text)))
            case StreamError():
                return web.json_response({"error": {"message": reply.message, "code": reply.code}})
            case BadUtf8():
                return web.Response(body=_BROKEN_UTF8, content_type="application/json")
            case BadJson():
                return web.Response(body=_BROKEN_JSON, content_type="application/json")
            case _:
                return web.Response(status=500, text=f"{reply!r} needs a request with stream: true.")

    async def _half_body(self, turn: Turn) -> web.StreamResponse:
        whole = json.dumps(self.wire.body(turn, self.model, self.number, self.usage)).encode()
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.content_length = len(whole)
        await response.prepare(self.request)
        await response.write(whole[: len(whole) // 2])
        return self._break(response)

    def _unfinished(self, turn: Turn) -> dict[str, Any]:
        body = self.wire.body(turn, self.model, self.number, self.usage)
        if "choices" in body:
            body["choices"][0]["finish_reason"] = None
        else:
            body["status"] = "in_progress"
        return body

    def _frames(self, turn: Turn) -> tuple[list[bytes], list[bytes]]:
        return self.wire.frames(turn, self.model, self.number, self.piece, self.usage)

    def _content(self, text: str) -> list[bytes]:
        return self._frames(Turn(text))[0]

    async def _endless(self, reply: Endless) -> AsyncIterator[bytes]:
        first, *rest = self._content(reply.text)
        yield first
        while True:
            for frame in rest:
                await asyncio.sleep(reply.delay)
                yield frame

    async def _stream(self, frames: AsyncIterator[bytes], *, end: bool = True) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(self.request)
        async for frame in frames:
            await response.write(frame)
            await asyncio.sleep(self.chunk_delay)
        if end:
            await response.write_eof()
        return response

    def _break(self, response: web.StreamResponse) -> web.StreamResponse:
        if self.request.transport is not None:
            self.request.transport.abort()
        return response


async def _each(frames: Iterable[bytes]) -> AsyncIterator[bytes]:
    for frame in frames:
        yield frame


def _fault(fault: Fault) -> web.Response:
    if isinstance(fault.body, str):
        headers = {"Content-Type": "text/plain", **fault.headers}
        return web.Response(status=fault.status, body=fault.body.encode(), headers=headers)
    return web.json_response(dict(fault.body), status=fault.status, headers=fault.headers)
