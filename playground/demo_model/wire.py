"""Serializes a reply as Chat Completions: one body, or the chunks of a stream."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from playground.demo_model.conversation import Reply, ToolUse

_CHUNK = 12
"""Characters per chunk of text: about what a hosted model sends at a time."""
_MOST_CHUNKS = 80
"""The most chunks of one text, so that a long one does not take long."""

CHARS_PER_TOKEN = 4

Json = dict[str, Any]


class Completion:
    """One reply with one id. Every chunk of a stream repeats id, time and model."""

    def __init__(self, model: str, reply: Reply, prompt: int) -> None:
        self._reply = reply
        self._head = {"id": f"chatcmpl-{uuid4().hex}", "created": int(time.time()), "model": model}
        self._calls = [_call(use) for use in reply.calls]
        self._finish = "tool_calls" if self._calls else "stop"
        said = len(reply.text) + sum(len(call["function"]["arguments"]) for call in self._calls)
        self._usage = _usage(prompt // CHARS_PER_TOKEN + 1, said // CHARS_PER_TOKEN + 1)

    def body(self) -> Json:
        """The reply as one JSON body."""
        message: Json = {"role": "assistant", "content": self._reply.text or None}
        if self._calls:
            message["tool_calls"] = self._calls
        choice = {"index": 0, "message": message, "finish_reason": self._finish, "logprobs": None}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": self._usage}

    def events(self, *, with_usage: bool) -> Iterator[bytes]:
        """The reply as server-sent events, `[DONE]` included."""
        yield self._event({"role": "assistant", "content": ""})
        for text in _pieces(self._reply.text):
            yield self._event({"content": text})
        for index, call in enumerate(self._calls):
            started = {**call, "function": {**call["function"], "arguments": ""}}
            yield self._event({"tool_calls": [{"index": index, **started}]})
            for text in _pieces(call["function"]["arguments"], 4):
                yield self._event({"tool_calls": [{"index": index, "function": {"arguments": text}}]})
        yield self._event({}, self._finish)
        if with_usage:
            yield _event(
                {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": self._usage}
            )
        yield b"data: [DONE]\n\n"

    def _event(self, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return _event({**self._head, "object": "chat.completion.chunk", "choices": [choice]})


def error(sentence: str) -> Json:
    """An error in the format that OpenAI-compatible clients read."""
    return {"error": {"message": sentence, "type": "invalid_request_error", "param": None, "code": None}}


def _call(use: ToolUse) -> Json:
    function = {"name": use.name, "arguments": json.dumps(dict(use.arguments), ensure_ascii=False)}
    return {"id": f"call_{uuid4().hex[:24]}", "type": "function", "function": function}


def _usage(prompt: int, completion: int) -> Json:
    """Rough counts, at four characters per token."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _pieces(text: str, most: int = _MOST_CHUNKS) -> Iterator[str]:
    size = max(_CHUNK, -(-len(text) // most))
    return (text[start : start + size] for start in range(0, len(text), size))


def _event(value: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()
