"""The fault table: what each known fault of a model endpoint comes to, on both APIs.

One row per fault. A passing one ends in the right answer; a lasting one in a sentence that says whose problem
it is, after no more requests than have a point. Needs no services.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agents.errors import (
    ContextTooLong,
    CredentialsRefused,
    ModelError,
    ModelUnavailable,
    QuotaExhausted,
    RequestRefused,
    UnknownModel,
)
from tests.support.scripted_model import (
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
    Reply,
    Say,
    ScriptedModel,
    StreamError,
    Turn,
    openai_error,
)
from tests.support.team import Agent, endpoint_of

APIS = pytest.mark.parametrize("api", ["chat", "responses"])
ANSWER = "Forty-two."


async def look_up(word: str) -> str:
    """Look a word up.

    Args:
        word: The word.
    """
    return f"{word}: 42"


GOOD: tuple[Reply, ...] = (Call("look_up", {"word": "answer"}), Say(ANSWER))


@dataclass(frozen=True)
class Row:
    """A fault, in front of a script that would do; `requests` is how many the answer takes in all."""

    name: str
    faults: Sequence[Reply]
    requests: int

    def __str__(self) -> str:
        return self.name


PASSING = [
    Row("none", [], 2),
    Row("one 429", [openai_error(429, "Rate limit reached", "rate_limit_exceeded", retry_after="0.01")], 3),
    Row("429 with a date", [openai_error(429, "Slow down", retry_after="Wed, 21 Oct 2015 07:28:00 GMT")], 3),
    Row("nine 429 in a row", [Fault(429, "slow down", {"Retry-After": "0.001"}, times=9)], 11),
    Row("Gemini's limit per minute", [Fault(429, {"error": {"message":
        "You exceeded your current quota. Please retry in 0.01s.", "status": "RESOURCE_EXHAUSTED"}})], 3),
    Row("four 500", [Fault(500, "oops", times=4)], 6),
    Row("502 with a page of HTML", [Html502()], 3),
    Row("503", [openai_error(503, "overloaded")], 3),
    Row("529", [openai_error(529, "overloaded")], 3),
    Row("408", [Fault(408, "")], 3),
    Row("connection cut before a byte", [Cut(after_chunks=0)], 3),
    Row("connection cut in the middle", [Cut(after_chunks=3)], 3),
    Row("stream that ends politely half-way", [Polite()], 3),
    Row("stream that breaks off with an error", [StreamError()], 3),
    Row("stream that is not JSON", [BadJson()], 3),
    Row("stream that is not UTF-8", [BadUtf8()], 3),
    Row("one that goes silent", [Hang(30, after_chunks=2)], 3),
    Row("one that never begins", [Hang(30)], 3),
    Row("empty reply", [Empty()], 3),
    Row("only white space", [Say(" \n ")], 3),
    Row("arguments that are not JSON", [Call("look_up", '{"word": "answer')], 3),
    Row("arguments that are no object", [Call("look_up", '["answer"]')], 3),
    Row("no arguments", [Call("look_up", "")], 3),
    Row("a missing argument", [Call("look_up", {})], 3),
    Row("an argument too many", [Call("look_up", {"word": "a", "timeout": 9})], 3),
    Row("an argument of the wrong type", [Call("look_up", {"word": {"a": 1}})], 3),
    Row("an unknown tool", [Call("google", {"q": "answer"})], 3),
    Row("a tool without a name", [Call("", {"q": "answer"})], 3),
    Row("a tool whose name no tool can have", [Call("look up!", {"q": "answer"})], 3),
    Row("two calls with one id", [Turn(calls=(
        Call("look_up", {"word": "a"}, id="same"), Call("look_up", {"word": "b"}, id="same")))], 3),
    Row("ids used again in a later turn", [
        Call("look_up", {"word": "a"}, id="call_0"), Call("look_up", {"word": "b"}, id="call_0")], 4),
]  # fmt: skip


@APIS
@pytest.mark.parametrize("row", PASSING, ids=str)
async def test_a_passing_fault_ends_in_the_answer(row: Row, api: str) -> None:
    idle_timeout = 0.5 if any(isinstance(fault, Hang) for fault in row.faults) else 30.0
    async with ScriptedModel([*row.faults, *GOOD]) as model:
        async with endpoint_of(model, api=api, idle_timeout=idle_timeout) as endpoint:
            ending = await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert (ending.text, ending.reason) == (ANSWER, "")
    assert len(model.requests) == row.requests


@dataclass(frozen=True)
class Lasting:
    """A fault that does not pass: the error it is, words of its sentence, and the requests it is worth."""

    name: str
    fault: Reply
    kind: type[ModelError]
    sentence: str
    requests: int

    def __str__(self) -> str:
        return self.name


QUOTA = "You exceeded your current quota, please check your plan and billing details."
CONTEXT = (
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
)
LASTING = [
    Lasting("401", openai_error(401, "Incorrect API key provided", "invalid_api_key", ),
            CredentialsRefused, "OPENAI_API_KEY", 1),
    Lasting("403", openai_error(403, "Forbidden"), CredentialsRefused, "OPENAI_API_KEY", 1),
    Lasting("Gemini's wrong key", openai_error(400, "API key not valid. Please pass a valid API key."),
            CredentialsRefused, "OPENAI_API_KEY", 1),
    Lasting("quota", openai_error(429, QUOTA, "insufficient_quota"), QuotaExhausted, "no credit left", 1),
    Lasting("DeepSeek's 402", openai_error(402, "Insufficient Balance"), QuotaExhausted, "no credit", 1),
    Lasting("Anthropic's credit", openai_error(400, "Your credit balance is too low to access the API."),
            QuotaExhausted, "no credit", 1),
    Lasting("DashScope's arrears", openai_error(400, "Access denied, account overdue.", "Arrearage"),
            QuotaExhausted, "no credit", 1),
    Lasting("context", openai_error(400, CONTEXT, "context_length_exceeded"),
            ContextTooLong, "longer than the model m can read", 1),
    Lasting("DashScope's context", openai_error(400, "Range of input length should be [1, 30720]"),
            ContextTooLong, "longer than", 1),
    Lasting("llama.cpp's context", openai_error(400, "the request exceeds the available context size"),
            ContextTooLong, "longer than", 1),
    Lasting("unknown model", openai_error(404, "The model `m` does not exist", "model_not_found"),
            UnknownModel, "does not know the model m", 1),
    Lasting("DeepSeek's unknown model", openai_error(400, "Model Not Exist"),
            UnknownModel, "does not know the model m", 1),
    Lasting("another 400", openai_error(400, "tools[0] is not to my taste"),
            RequestRefused, "refused the request (400)", 1),
    Lasting("500 for ever", Fault(500, "oops", times=5), ModelUnavailable, "in 5 tries", 5),
]  # fmt: skip


@APIS
@pytest.mark.parametrize("row", LASTING, ids=str)
async def test_a_lasting_fault_ends_in_one_sentence(row: Lasting, api: str) -> None:
    async with ScriptedModel([row.fault]) as model:
        async with endpoint_of(model, api=api) as endpoint:
            with pytest.raises(row.kind) as caught:
                await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert row.sentence in str(caught.value)
    assert str(caught.value).endswith(".")
    assert len(model.requests) == row.requests


@APIS
async def test_a_reply_cut_by_length_is_continued_and_told_as_one(api: str) -> None:
    async with (
        ScriptedModel([Turn("Forty-", finish="length"), Say("two.")]) as model,
        endpoint_of(model, api=api) as endpoint,
    ):
        ending = await Agent([look_up]).run(endpoint)
    assert (ending.text, ending.reason) == (ANSWER, "")


@APIS
async def test_a_reply_cut_by_length_again_and_again_is_no_answer_in_disguise(api: str) -> None:
    async with ScriptedModel([Turn("and so on ", finish="length")] * 4) as model:
        async with endpoint_of(model, api=api) as endpoint:
            ending = await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert ending.text == "and so on " * 4
    assert "length limit" in ending.reason


@APIS
async def test_a_filtered_reply_says_that_it_was_filtered(api: str) -> None:
    async with (
        ScriptedModel([Turn("", finish="content_filter")]) as model,
        endpoint_of(model, api=api) as endpoint,
    ):
        ending = await Agent([look_up]).run(endpoint)
    assert (ending.text, len(model.requests)) == ("", 1)
    assert "content filter" in ending.reason


@APIS
async def test_two_empty_replies_are_an_honest_end(api: str) -> None:
    async with ScriptedModel([Empty(), Empty()]) as model:
        async with endpoint_of(model, api=api) as endpoint:
            ending = await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert (ending.text, ending.reason) == ("", "the model gave an empty reply twice")


@APIS
@pytest.mark.parametrize("habit", ["require_reasoning_echo", "require_signature_echo"])
async def test_what_a_vendor_wants_back_comes_back(habit: str, api: str) -> None:
    options: Any = {habit: True}
    async with ScriptedModel(GOOD, **options) as model:
        async with endpoint_of(model, api=api) as endpoint:
            ending = await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert ending.text == ANSWER


async def test_chat_that_refuses_tools_is_left_for_responses() -> None:
    async with ScriptedModel(GOOD, chat_refuses_tools=True) as model, endpoint_of(model) as endpoint:
        ending = await Agent([look_up]).run(endpoint)
    assert ending.text == ANSWER
    assert [asked.api for asked in model.requests] == ["chat", "responses", "responses"]


@APIS
async def test_two_calls_with_one_id_are_both_run(api: str) -> None:
    twins = tuple(Call("look_up", {"word": word}, id="same") for word in "ab")
    async with ScriptedModel([Turn(calls=twins), Say(ANSWER)]) as model:
        async with endpoint_of(model, api=api) as endpoint:
            await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert sorted(model.requests[-1].results) == ["a: 42", "b: 42"]


@APIS
async def test_a_stream_without_end_is_ended(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.wire.assembler.LONGEST_REPLY", 2_000)
    async with ScriptedModel([Endless(), Say(ANSWER)], piece=50) as model:
        async with endpoint_of(model, api=api) as endpoint:
            ending = await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert ending.text == ANSWER


@APIS
async def test_thousands_of_calls_in_one_reply_are_cut_to_what_is_bearable(api: str) -> None:
    calls = tuple(Call("look_up", {"word": str(n)}) for n in range(3_000))
    async with ScriptedModel([Turn(calls=calls), Say(ANSWER)], piece=100) as model:
        async with endpoint_of(model, api=api) as endpoint:
            ending = await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert ending.text == ANSWER
    results = model.requests[-1].results
    assert len(results) == 32
    assert "2,968 more calls" in results[-1]


@APIS
async def test_arguments_of_five_megabytes_are_refused_to_the_model(api: str) -> None:
    call = Call("look_up", {"word": "x" * 5_000_000})
    async with ScriptedModel([call, Say(ANSWER)], piece=65_536) as model:
        async with endpoint_of(model, api=api) as endpoint:
            ending = await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert ending.text == ANSWER
    assert "5,000,012 characters" in model.requests[-1].results[0]
    assert len(str(model.requests[-1].body)) < 10_000


@APIS
@pytest.mark.parametrize(
    ("sent", "told"),
    [("\ud83d\ude00!", "\U0001f600!"), ("half \ud83d", "half \ufffd"), ("nul\x00l", "null")],
    ids=["an emoji in two chunks", "half an emoji", "NUL"],
)
async def test_what_no_database_takes_is_made_sound(sent: str, told: str, api: str) -> None:
    script: list[Reply] = [Turn(sent, calls=(Call("look_up", {"word": "a"}),)), Say(sent)]
    agent = Agent([look_up])
    async with ScriptedModel(script, piece=1) as model, endpoint_of(model, api=api) as endpoint:
        ending = await agent.run(endpoint)
        model.assert_complete()
    assert ending.text == told
    for entry in agent.journal.entries:
        assert "\x00" not in str(entry.body)
        str(entry.body).encode()


@APIS
async def test_an_answer_of_200_kilobytes_arrives_whole(api: str) -> None:
    answer = "0123456789" * 20_000
    async with ScriptedModel([Say(answer)], piece=16) as model, endpoint_of(model, api=api) as endpoint:
        ending = await Agent([look_up]).run(endpoint)
    assert ending.text == answer


def test_the_page_tells_of_each_row() -> None:
    page = (Path(__file__).parents[2] / "docs" / "agents.md").read_text()
    rows = [f"| {row.name} | {row.requests} |" for row in PASSING]
    rows += [f"| {row.name} | `{row.kind.__name__}` | {row.requests} |" for row in LASTING]
    assert [row for row in rows if row not in page] == []
