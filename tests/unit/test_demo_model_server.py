"""The demo model's side of the wire, through the public client and below it."""

from __future__ import annotations

from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncStream

from playground.demo_model import MODEL, DemoModel
from tests.support.demo_talk import ORCHESTRATOR, WORKER, ask, body, calls, demo, user


async def test_the_unstreamed_reply_is_the_same_and_counts_tokens() -> None:
    async with demo() as client:
        sent = body([user("Execute hello world")], WORKER)
        found: Any = await client.post("/chat/completions", cast_to=object, body=sent)
        streamed = await ask(client, [user("Execute hello world")], WORKER)
    message = found["choices"][0]["message"]
    assert calls(message) == calls(streamed)
    assert message["content"] == streamed["content"]
    assert found["choices"][0]["finish_reason"] == "tool_calls"
    assert found["usage"]["total_tokens"] > 20


async def test_usage_and_finish_end_a_stream_and_text_comes_in_pieces() -> None:
    async with demo() as client:
        sent = body([user("hi")], ORCHESTRATOR, stream=True, stream_options={"include_usage": True})
        stream = await client.post(
            "/chat/completions", cast_to=object, body=sent, stream=True, stream_cls=AsyncStream[object]
        )
        chunks: list[Any] = [chunk async for chunk in stream]
    assert len(chunks) > 20
    assert chunks[-1]["usage"]["completion_tokens"] > 50
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert {chunk["id"] for chunk in chunks} == {chunks[0]["id"]}


async def test_models_are_listed_and_what_is_not_there_is_named() -> None:
    async with demo() as client:
        assert [model.id async for model in client.models.list()] == [MODEL]
        with pytest.raises(openai.NotFoundError, match="/v1/responses is not offered"):
            await client.post("/responses", cast_to=object, body={"input": "hi"})


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"{", "Expecting"),
        (b"[]", "The request body: Input should be a valid dictionary"),
        (b"\xff", "utf-8"),
        (b'{"messages": [1]}', "messages.0: Input should be"),
        (b'{"messages": [{"role": "system", "content": "x"}]}', "at least one message with the role 'user'"),
        (
            b'{"messages": [{"role": "user", "content": "x"}], "tools": {"a": 1}}',
            "tools: Input should be a valid list",
        ),
    ],
)
async def test_a_malformed_request_is_a_400_with_a_sentence(sent: bytes, sentence: str) -> None:
    async with (
        DemoModel(latency=0) as model,
        aiohttp.ClientSession() as session,
        session.post(f"{model.base_url}/chat/completions", data=sent) as answer,
    ):
        assert answer.status == 400
        assert sentence in (await answer.json())["error"]["message"]


async def test_a_port_that_is_taken_is_an_os_error_and_leaves_nothing_open() -> None:
    async with DemoModel() as model:
        port = int(model.base_url.rpartition(":")[2].removesuffix("/v1"))
        with pytest.raises(OSError, match="address already in use"):
            async with DemoModel(port=port):
                pass
