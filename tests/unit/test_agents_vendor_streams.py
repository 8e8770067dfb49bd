"""How services depart from OpenAI's streams: finish reasons, calls, thinking and counts of their own.

Each is by what a service's documents or its users' reports show. Needs no services.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.conversation import UserTurn
from agents.errors import ContextTooLong
from agents.model.wire import ModelRequest
from tests.support import chat_wire
from tests.support.scripted_model import Call, Raw, Reply, Say, ScriptedModel, Turn
from tests.support.team import Agent, endpoint_of

ANSWER = "Forty-two."


async def look(word: str) -> str:
    """Look."""
    return f"saw {word}"


def chat(*deltas: Any, finish: str = "stop", **more: Any) -> Raw:
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], **more})
    return Raw([*(chat_wire.frame(chunk) for chunk in chunks), b"data: [DONE]\n\n"])


@pytest.mark.parametrize("word", [
    "insufficient_system_resource", "network_error", "error", "abort",
    "function_call_filter: MALFORMED_FUNCTION_CALL",
])  # fmt: skip
async def test_a_reply_that_a_service_broke_off_is_asked_for_again(word: str) -> None:
    script: list[Reply] = [chat({"content": "Forty-"}, finish=word), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await Agent().run(endpoint)).text == ANSWER
        model.assert_complete()


@pytest.mark.parametrize("word", ["content_filter: RECITATION", "sensitive", "SAFETY"])
async def test_a_filter_by_any_name_is_reported(word: str) -> None:
    reply = chat({"content": ""}, finish=word)
    async with ScriptedModel([reply]) as model, endpoint_of(model, api="chat") as endpoint:
        assert "content filter" in (await Agent().run(endpoint)).reason


@pytest.mark.parametrize("word", ["model_length", "MAX_TOKENS", "model_context_window_exceeded"])
async def test_a_limit_of_length_by_any_name_is_gone_on_from(word: str) -> None:
    script: list[Reply] = [chat({"content": "Forty-"}, finish=word), Say("two.")]
    async with ScriptedModel(script) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await Agent().run(endpoint)).text == ANSWER
        model.assert_complete()


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_call_that_the_limit_of_length_cut_is_reported_so(api: str) -> None:
    script: list[Reply] = [Turn(calls=(Call("look", '{"word": "a'),), finish="length"), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api=api) as endpoint:
        assert (await Agent([look]).run(endpoint)).text == ANSWER
        model.assert_complete()
    assert "length limit" in model.requests[-1].results[0]


async def test_geminis_calls_without_index_and_id_are_two() -> None:
    def one(word: str) -> dict[str, Any]:
        function = {"name": "look", "arguments": json.dumps({"word": word})}
        return {"tool_calls": [{"index": 0, "id": "", "type": "function", "function": function}]}

    script: list[Reply] = [chat(one("a"), one("b"), finish="tool_calls"), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await Agent([look]).run(endpoint)).text == ANSWER
        model.assert_complete()
    assert model.requests[-1].results == ("saw a", "saw b")


async def test_a_name_that_comes_with_every_piece_is_one_call() -> None:
    def piece(arguments: str) -> dict[str, Any]:
        return {"tool_calls": [{"index": 0, "function": {"name": "look", "arguments": arguments}}]}

    script: list[Reply] = [
        chat(piece(""), piece('{"word"'), piece(': "a"}'), piece(""), finish="tool_calls"),
        Say(ANSWER),
    ]
    async with ScriptedModel(script) as model, endpoint_of(model, api="chat") as endpoint:
        await Agent([look]).run(endpoint)
    assert model.requests[-1].results == ("saw a",)


A_CALL = {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "look", "arguments": '{"word": "a"}'}}]}
TEXT = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
SEALED = {"type": "reasoning.encrypted", "data": "xyz", "index": 1}
THINKING: dict[str, tuple[str, list[Any], list[Any]]] = {
    "OpenRouter": (
        "reasoning_details",
        [{**TEXT, "text": "Let"}, {**TEXT, "text": " me see."}, {**TEXT, "signature": "sig"}, SEALED],
        [{**TEXT, "text": "Let me see.", "signature": "sig"}, SEALED],
    ),
    "LiteLLM": (
        "thinking_blocks",
        [{"type": "thinking", "thinking": "Let"}, {"type": "thinking", "thinking": " me."},
         {"type": "thinking", "thinking": "", "signature": "s1"}, {"type": "thinking", "thinking": "More."},
         {"type": "thinking", "thinking": "", "signature": "s2"}],
        [{"type": "thinking", "thinking": "Let me.", "signature": "s1"},
         {"type": "thinking", "thinking": "More.", "signature": "s2"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("router", THINKING)
async def test_signed_thinking_goes_back_whole(router: str) -> None:
    field, pieces, whole = THINKING[router]
    reply = chat(*({field: [piece]} for piece in pieces), A_CALL, finish="tool_calls")
    async with ScriptedModel([reply, Say(ANSWER)]) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await Agent([look]).run(endpoint)).text == ANSWER
    (again,) = [m for m in model.requests[-1].messages if m["role"] == "assistant"]
    assert again[field] == whole


THOUGHTS = {
    "<think>\nWell.\n</think>\n\nForty-two.": ANSWER,
    "<think></think>Forty-two.": ANSWER,
    "Okay, well.\n</think>\n\nForty-two.": ANSWER,
    "Like this:\n```\nWell.\n</think>\n\nAnswer.\n```": "Like this:\n```\nWell.\n</think>\n\nAnswer.\n```",
    "Say `</think>` to end it.": "Say `</think>` to end it.",
    "Write <think>\nx\n</think>\n\nbefore it.": "Write <think>\nx\n</think>\n\nbefore it.",
}


@pytest.mark.parametrize("text", THOUGHTS)
async def test_thinking_that_a_server_leaves_in_the_words_is_not_said(text: str) -> None:
    texts: list[str] = []
    async with ScriptedModel([Say(text)]) as model, endpoint_of(model, api="chat") as endpoint:
        reply = await endpoint.complete(
            ModelRequest(model="m", instructions="", turns=[UserTurn("Go")]), on_text=texts.append
        )
    assert (reply.text, texts[-1]) == (THOUGHTS[text], THOUGHTS[text])
    assert not text.startswith("<think>") or not [one for one in texts if "Well" in one]


USAGES: dict[str, tuple[dict[str, Any], int]] = {
    "xAI": ({"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
             "completion_tokens_details": {"reasoning_tokens": 94}}, 135),
    "Gemini": ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40}, 40),
    "OpenAI": ({"prompt_tokens": 10, "completion_tokens": 30, "total_tokens": 40,
                "completion_tokens_details": {"reasoning_tokens": 25}}, 40),
    "no total": ({"prompt_tokens": 10, "completion_tokens": 5}, 15),
}  # fmt: skip


@pytest.mark.parametrize("vendor", USAGES)
async def test_tokens_of_thinking_are_counted(vendor: str) -> None:
    usage, total = USAGES[vendor]
    agent = Agent()
    reply = chat({"content": ANSWER}, usage=usage)
    async with ScriptedModel([reply]) as model, endpoint_of(model, api="chat") as endpoint:
        await agent.run(endpoint)
    assert agent.meter.tokens == total


NO_REPLIES: dict[str, dict[str, Any]] = {
    "MiniMax": {"id": "1", "choices": None, "base_resp": {
        "status_code": 2013, "status_msg": "invalid params, context window exceeds limit (2013)"}},
    "an older vLLM": {"object": "error", "message": "maximum context length is 8192 tokens", "code": 400},
    "SiliconFlow": {"code": 20015, "message": "more than the maximum context", "data": None},
    "a minute too small": {"error": {"code": "rate_limit_exceeded", "message": "Request too large for m"}},
}  # fmt: skip


@pytest.mark.parametrize("vendor", NO_REPLIES)
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_a_failure_with_status_200_is_read(vendor: str, kind: str) -> None:
    value = NO_REPLIES[vendor]
    piece = chat_wire.frame(value) if "stream" in kind else json.dumps(value).encode()
    reply = Raw([piece], {"Content-Type": kind})
    async with ScriptedModel([reply]) as model, endpoint_of(model, api="chat") as endpoint:
        with pytest.raises(ContextTooLong):
            await Agent().run(endpoint)


async def test_a_reply_of_white_space_is_not_sent_back() -> None:
    script: list[Reply] = [Say(" \n"), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await Agent().run(endpoint)).text.strip() == ANSWER
    assert not [m for m in model.requests[-1].messages if m["role"] == "assistant"], "Anthropic refuses it"
