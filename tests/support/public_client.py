"""The public OpenAI client at a scripted endpoint, and bodies for it to send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from openai import AsyncOpenAI, AsyncStream

from tests.support.scripted_model import ScriptedModel

Json = dict[str, Any]
USER = {"role": "user", "content": "Print hello."}


def tool(name: str, schema: Json | None = None) -> Json:
    closed = {"type": "object", "properties": {"code": {"type": "string"}}, "additionalProperties": False}
    return {
        "type": "function",
        "function": {"name": name, "parameters": closed if schema is None else schema},
    }


def chat_body(*messages: Json, stream: bool = True, **more: Any) -> Json:
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return {"model": "m", "messages": list(messages) or [USER], **options, **more}


@asynccontextmanager
async def client_of(model: ScriptedModel) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=model.base_url, api_key="sk-test", max_retries=0, timeout=5) as client:
        yield client


async def events(client: AsyncOpenAI, body: Json, path: str = "/chat/completions") -> list[Json]:
    stream = await client.post(path, cast_to=object, body=body, stream=True, stream_cls=AsyncStream[object])
    found: list[Any] = [event async for event in stream]
    return found


async def whole(client: AsyncOpenAI, body: Json, path: str = "/chat/completions") -> Json:
    found: Any = await client.post(path, cast_to=object, body=body)
    return dict(found)


def call_message(*ids: str, **more: Any) -> Json:
    calls = [{"id": i, "type": "function", "function": {"name": "a", "arguments": "{}"}} for i in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls, **more}
