"""Endpoints that are broken below HTTP, and waits that no clock should keep. Needs no services."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

import httpx2
import openai
import pytest

from agents.errors import ModelUnavailable, RequestRefused
from agents.model import failures
from agents.model.endpoint import Endpoint
from agents.model.refusals import Refusal, resolve
from tests.support import chat_wire, responses_wire
from tests.support.scripted_model import Hang, Raw, ScriptedModel, Turn
from tests.support.team import Agent, endpoint_of

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
BROKEN = {
    "closed at once": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "TLS where none was asked for": b"\x15\x03\x01\x00\x02\x02\x46",
    "a status that is none": b"HTTP/1.1 abc OK\r\n\r\n",
    "a header without end": OK + b"X: " + b"x" * 100_000,
    "closed inside the header": OK,
    "a chunk of no length": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\ndata\r\n",
    "fewer bytes than promised": OK + b"Content-Length: 1000\r\n\r\ndata: {",
    "an encoding that nobody knows": OK + b"Content-Encoding: lzw\r\nContent-Length: 3\r\n\r\nabc",
}


@asynccontextmanager
async def answering(sent: bytes) -> AsyncIterator[str]:
    """A server that answers everything with these bytes and closes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/v1"


@pytest.mark.parametrize("kind", BROKEN)
async def test_what_is_broken_below_http_is_reported_in_one_sentence(kind: str) -> None:
    async with (
        answering(BROKEN[kind]) as url,
        Endpoint(api_key="none", base_url=url, tries=2, first_wait=0.001) as endpoint,
    ):
        with pytest.raises(ModelUnavailable) as caught:
            await Agent().run(endpoint)
    pattern = (
        "The model gave no usable reply in 2 tries: the (connection to the model service broke|reply was cut)"
    )
    assert re.match(pattern, str(caught.value))
    assert "Error" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://127.0.0.1:1", "http://nowhere.invalid/v1"])
async def test_an_endpoint_that_is_not_there_is_reported_in_one_sentence(url: str) -> None:
    async with Endpoint(api_key="none", base_url=url, tries=2, first_wait=0.001) as endpoint:
        with pytest.raises(ModelUnavailable, match="can't be reached"):
            await Agent().run(endpoint)


@pytest.mark.parametrize("wire", [chat_wire, responses_wire])
async def test_a_whole_reply_is_one_however_its_connection_ends(wire: ModuleType) -> None:
    content, ending = wire.frames(Turn("Here."), "m", 1, 7, None)
    sent = OK + b"Content-Length: 100000\r\n\r\n" + b"".join([*content, *ending])
    api = wire.__name__.rpartition(".")[2].removesuffix("_wire")
    async with answering(sent) as url, Endpoint(api_key="none", base_url=url, api=api, tries=1) as endpoint:
        assert (await Agent().run(endpoint)).text == "Here."


async def test_a_circle_of_redirects_ends() -> None:
    async with (
        answering(b"HTTP/1.1 307 X\r\nLocation: /v1/chat/completions\r\nConnection: close\r\n\r\n") as url,
        Endpoint(api_key="none", base_url=url, tries=1) as endpoint,
    ):
        with pytest.raises(ModelUnavailable, match="redirects every request"):
            await Agent().run(endpoint)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_service_is_reported_and_gets_neither_key_nor_words(status: int) -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as other:
        there = f"http://localhost:{other.sockets[0].getsockname()[1]}/v1/chat/completions"
        moved = f"HTTP/1.1 {status} X\r\nLocation: {there}?key=k\r\nConnection: close\r\n\r\n"
        async with (
            answering(moved.encode()) as url,
            Endpoint(api_key="none", base_url=url, api="chat", tries=2, first_wait=0.001) as endpoint,
        ):
            with pytest.raises(RequestRefused, match=f"redirects requests to {there}. Your Handoff admin"):
                await Agent().run(endpoint)
    assert heard == []


async def test_a_redirect_that_would_lose_the_question_is_reported() -> None:
    """301 to 303 make a GET of a POST, which an endpoint answers with anything."""
    async with (
        answering(b"HTTP/1.1 301 X\r\nLocation: /v2/chat\r\nConnection: close\r\n\r\n") as url,
        Endpoint(api_key="none", base_url=url, tries=1) as endpoint,
    ):
        with pytest.raises(
            RequestRefused, match=r"redirects requests to http://.*/v2/chat. Your Handoff admin"
        ):
            await Agent().run(endpoint)


OURS = (0.5, 1.5)
WAITS: dict[str, tuple[float, float]] = {
    "nan": OURS,
    "inf": (60, 61),
    "1e999": (60, 61),
    "999999999": (60, 61),
    "-5": (0, 1),
    "soon": OURS,
    "": OURS,
    "Wed, 21 Oct 2015 07:28:00 GMT": (0, 1),
    "Fri, 31 Dec 9999 23:59:59 GMT": (60, 61),
    "Fri, 99 Foo 99999 99:99:99 GMT": OURS,
}


@pytest.mark.parametrize("header", WAITS)
async def test_no_wait_is_longer_than_a_minute_whatever_the_endpoint_says(header: str) -> None:
    """The clock of the wall is only read to read a date, so a jump of it is one wait of a minute at most."""
    response = httpx2.Response(
        429, headers={"Retry-After": header}, request=httpx2.Request("POST", "http://x")
    )
    refusal = failures.read(openai.RateLimitError("slow down", response=response, body=None))
    assert isinstance(refusal, Refusal)
    failure = resolve(refusal, "m", lambda _: False)
    assert failure is not None
    async with Endpoint(api_key="none", base_url="http://x", first_wait=1.0) as endpoint:
        waited = endpoint._wait(0, failure)
    least, most = WAITS[header]
    assert least <= waited <= most


@pytest.mark.parametrize("wire", [chat_wire, responses_wire])
async def test_comments_of_a_busy_server_keep_a_reply_alive(wire: ModuleType) -> None:
    content, ending = wire.frames(Turn("Here."), "m", 1, 7, None)
    comments = [b": OPENROUTER PROCESSING\n\n", b":\n\n"] * 15
    reply = Raw([*comments, *content, *ending])
    api = wire.__name__.rpartition(".")[2].removesuffix("_wire")
    async with (
        ScriptedModel([reply], chunk_delay=0.05) as model,
        endpoint_of(model, api=api, idle_timeout=1.0, tries=1) as endpoint,
    ):
        assert (await Agent().run(endpoint)).text == "Here."


async def test_a_silent_stream_ends_with_the_limit_in_words() -> None:
    async with (
        ScriptedModel([Hang(30, after_chunks=2)]) as model,
        endpoint_of(model, idle_timeout=1.0, tries=1) as endpoint,
    ):
        with pytest.raises(ModelUnavailable, match="sent nothing for 1 seconds"):
            await Agent().run(endpoint)
