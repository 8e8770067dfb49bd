"""What an endpoint may send that no page of its vendor shows: every form of bytes and every kind of value.

Each ends in the answer, asked for again where the reply could not be read. Needs no services.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from agents.model.prices import Price, Prices
from tests.support import chat_wire, responses_wire
from tests.support.scripted_model import Call, Fault, Raw, Reply, Say, ScriptedModel, Turn, Usage
from tests.support.team import Agent, bodies, endpoint_of

ANSWER = "Forty-two \u2028 caf\u00e9 \U0001f600."


WIRES: dict[str, ModuleType] = {"chat": chat_wire, "responses": responses_wire}


APIS = pytest.mark.parametrize("api", WIRES)


def encoded(api: str, turn: Turn) -> list[bytes]:
    content, ending = WIRES[api].frames(turn, "m", 1, 7, None)
    return [*content, *ending]


def pretty(frame: bytes) -> bytes:
    """The same event with its JSON over several lines."""
    *before, data = frame.strip().split(b"\n")
    if data == b"data: [DONE]":
        return frame
    lines = json.dumps(json.loads(data[6:]), indent=1).splitlines()
    return b"\n".join([*before, *(b"data: " + line.encode() for line in lines)]) + b"\n\n"


def each(change: Callable[[bytes], bytes]) -> Callable[[list[bytes]], list[bytes]]:
    return lambda frames: [change(frame) for frame in frames]


FORMS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "CRLF": each(lambda frame: frame.replace(b"\n", b"\r\n")),
    "CRLF cut between CR and LF": lambda frames: [
        piece for frame in frames for piece in frame.replace(b"\n", b"\r|\n").split(b"|")
    ],
    "CR alone": each(lambda frame: frame.replace(b"\n", b"\r")),
    "comments between": each(lambda frame: b": keep-alive\n\n" + frame),
    "ids, retries and names": each(lambda frame: b"id: 7\nretry: 10\nwhatever\n" + frame),
    "data over many lines": each(pretty),
    "no space after the colon": each(lambda frame: frame.replace(b"data: ", b"data:", 1)),
    "one byte at a time": lambda frames: [bytes([byte]) for byte in b"".join(frames)],
    "all at once": lambda frames: [b"".join(frames)],
    "no end of the last line": lambda frames: [*frames[:-1], frames[-1].rstrip(b"\n")],
}


@APIS
@pytest.mark.parametrize("form", FORMS)
async def test_every_form_of_a_stream_is_read(form: str, api: str) -> None:
    reply = Raw(FORMS[form](encoded(api, Turn(ANSWER))))
    async with ScriptedModel([reply]) as model, endpoint_of(model, api=api) as endpoint:
        ending = await Agent().run(endpoint)
        model.assert_complete()
    assert (ending.text, ending.reason) == (ANSWER, "")


@APIS
async def test_a_compressed_stream_is_read(api: str) -> None:
    body = gzip.compress(b"".join(encoded(api, Turn(ANSWER))))
    reply = Raw([body], {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"})
    async with ScriptedModel([reply]) as model, endpoint_of(model, api=api) as endpoint:
        assert (await Agent().run(endpoint)).text == ANSWER
        model.assert_complete()


@APIS
async def test_an_endpoint_that_does_not_stream_is_understood(api: str) -> None:
    body = WIRES[api].body(Turn(calls=(Call("look", {"word": "a"}, id="c1"),)), "m", 1, None)
    reply = Raw([json.dumps(body).encode()], {"Content-Type": "application/json; charset=utf-8"})
    async with ScriptedModel([reply, Say(ANSWER)]) as model, endpoint_of(model, api=api) as endpoint:
        assert (await Agent([look]).run(endpoint)).text == ANSWER
        model.assert_complete()
    assert model.requests[-1].results == ("saw a",)


CHANGED: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "none": lambda frames: frames,
    "a BOM": lambda frames: [b"\xef\xbb\xbf", *frames],
    "a BOM, byte by byte": lambda frames: [b"\xef", b"\xbb", b"\xbf", *frames],
    "white space before": lambda frames: [b"\n", b" \n", *frames],
}


@APIS
@pytest.mark.parametrize("change", CHANGED)
@pytest.mark.parametrize("is_stream", [True, False], ids=["stream as JSON", "JSON as a stream"])
async def test_a_body_is_judged_by_its_bytes(is_stream: bool, change: str, api: str) -> None:
    whole = json.dumps(WIRES[api].body(Turn(ANSWER), "m", 1, None)).encode()
    frames = encoded(api, Turn(ANSWER)) if is_stream else [whole]
    kind = "application/json" if is_stream else "text/event-stream"
    reply = Raw(CHANGED[change](frames), {"Content-Type": kind})
    async with ScriptedModel([reply]) as model, endpoint_of(model, api=api) as endpoint:
        assert (await Agent().run(endpoint)).text == ANSWER
        model.assert_complete()


def unfinished(api: str, turn: Turn) -> Raw:
    """The reply without its finish reason or closing event, and with `[DONE]`."""
    frames = encoded(api, turn)
    kept = [
        frame.replace(b'"finish_reason": "stop"', b'"finish_reason": null')
        .replace(b'"finish_reason": "tool_calls"', b'"finish_reason": null')
        for frame in frames
        if b"response.completed" not in frame and b"[DONE]" not in frame
    ]  # fmt: skip
    return Raw([*kept, b"data: [DONE]\n\n"])


@APIS
async def test_a_reply_that_only_done_ends_is_whole(api: str) -> None:
    call = Turn(calls=(Call("look", {"word": "a"}, id="c1"),))
    script: list[Reply] = [unfinished(api, call), unfinished(api, Turn(ANSWER))]
    async with ScriptedModel(script) as model, endpoint_of(model, api=api) as endpoint:
        assert (await Agent([look]).run(endpoint)).text == ANSWER
        model.assert_complete()
    assert model.requests[-1].results == ("saw a",)


async def test_done_after_a_call_that_was_cut_or_after_nothing_is_no_reply() -> None:
    cut = Raw([
        chat_wire.frame({"choices": [{"delta": {"tool_calls": [part(0, "x", '{"word": "a')]}}]}),
        b"data: [DONE]\n\n",
    ])  # fmt: skip
    script: list[Reply] = [cut, Raw([b"data: [DONE]\n\n"]), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await Agent([look]).run(endpoint)).text == ANSWER
        model.assert_complete()


@APIS
async def test_a_stream_that_stays_open_after_its_end_is_not_waited_for(api: str) -> None:
    reply = Raw(encoded(api, Turn(ANSWER)), hold=3600)
    async with ScriptedModel([reply]) as model, endpoint_of(model, api=api, idle_timeout=3600) as endpoint:
        assert (await Agent().run(endpoint)).text == ANSWER
    assert len(model.requests) == 1


async def test_a_finish_without_done_is_enough_when_nothing_follows() -> None:
    reply = Raw(encoded("chat", Turn(ANSWER))[:-1], hold=3600)
    async with ScriptedModel([reply]) as model, endpoint_of(model, api="chat", idle_timeout=1.0) as endpoint:
        assert (await Agent().run(endpoint)).text == ANSWER
    assert len(model.requests) == 1


@APIS
async def test_signs_of_life_without_a_word_are_no_reply(api: str) -> None:
    def answering() -> list[bytes]:
        return [b": keep-alive\n\n"] * 3

    script: list[Reply] = [Raw(answering(), hold=3600), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api=api, idle_timeout=1.0) as endpoint:
        assert (await Agent().run(endpoint)).text == ANSWER
        model.assert_complete()


@APIS
async def test_an_event_without_end_is_ended(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.model.wire.stream.MAX_EVENT", 10_000)
    script: list[Reply] = [Raw([b"data: " + b"x" * 9_000, b"x" * 9_000], hold=3600), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api=api) as endpoint:
        assert (await Agent().run(endpoint)).text == ANSWER
        model.assert_complete()


async def look(word: str) -> str:
    """Look."""
    return f"saw {word}"


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


def chat(*deltas: Any, finish: str = "stop", **more: Any) -> Raw:
    """A chat reply of these deltas; `more` is beside the choices of the last chunk."""
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}], **more})
    return Raw([*(chat_wire.frame(chunk) for chunk in chunks), b"data: [DONE]\n\n"])


def calls(*parts: Any) -> Raw:
    return chat(*({"tool_calls": [part]} for part in parts), finish="tool_calls")


def part(index: Any, id_: Any, arguments: Any, name: Any = "look") -> dict[str, Any]:
    return {"index": index, "id": id_, "function": {"name": name, "arguments": arguments}}


def a(word: str) -> str:
    return json.dumps({"word": word})


CALLS: dict[str, tuple[Raw, list[str]]] = {
    "indexes with gaps": (calls(part(3, "x", a("1")), part(9, "y", a("2"))), ["saw 1", "saw 2"]),
    "indexes out of order": (calls(part(1, "x", a("1")), part(0, "y", a("2"))), ["saw 1", "saw 2"]),
    "parts that take turns": (
        calls(
            part(0, "x", '{"word":'), part(1, "y", '{"word":'),
            {"index": 0, "function": {"arguments": '"1"}'}}, {"index": 1, "function": {"arguments": '"2"}'}},
        ),
        ["saw 1", "saw 2"],
    ),
    "one index for two calls": (calls(part(0, "x", a("1")), part(0, "y", a("2"))), ["saw 1", "saw 2"]),
    "no index": (calls(part(None, "x", a("1")), part(None, "y", a("2"))), ["saw 1", "saw 2"]),
    "index that is no number": (calls(part("first", "x", a("1"))), ["saw 1"]),
    "no id": (calls(part(0, None, a("1")), part(1, None, a("2"))), ["saw 1", "saw 2"]),
    "id that is a number": (calls(part(0, 7, a("1")), part(1, 7, a("2"))), ["saw 1", "saw 2"]),
    "id that is an object": (calls(part(0, {"a": 1}, a("1"))), ["saw 1"]),
    "arguments that are an object": (calls(part(0, "x", {"word": "1"})), ["saw 1"]),
    "arguments that are null": (calls(part(0, "x", None)), ["missing"]),
    "name that is a number": (calls(part(0, "x", a("1"), name=5)), ["no tool"]),
    "function that is a text": (calls({"index": 0, "id": "x", "function": "look"}), ["no tool"]),
    "an id of its own for each piece": (
        calls(part(0, "x1", "", "look"), part(0, "x2", '{"word":', None), part(0, "x3", '"1"}', "")),
        ["saw 1"],
    ),
    "an id of its own for each piece, without an index": (
        calls(part(None, "x1", "", "look"), part(None, "x2", a("1"), None)), ["saw 1"],
    ),
    "an id and the name with each piece": (
        calls(part(0, "x1", "", "look"), part(0, "x2", '{"word":'), part(0, "x3", '"1"}')), ["saw 1"],
    ),
    "pieces of two calls by their ids alone": (
        calls(
            part(None, "x", '{"word":'), part(None, "y", '{"word":'),
            {"id": "x", "function": {"arguments": '"1"}'}}, {"id": "y", "function": {"arguments": '"2"}'}},
        ),
        ["saw 1", "saw 2"],
    ),
    "a name in two pieces": (
        calls(part(0, "x", "", "lo"), part(0, None, a("1"), "ok")), ["saw 1"],
    ),
    "the name again, longer": (calls(part(0, "x", "", "lo"), part(0, "x", a("1"), "look")), ["saw 1"]),
    "a call sent twice": (calls(part(0, "x", a("1")), part(0, None, a("1"))), ["saw 1"]),
    "arguments in pieces and then whole": (
        calls(part(0, "x", '{"word":'), part(0, "x", ' "1"}', None), part(0, "x", a("1"), None)), ["saw 1"],
    ),
    "the old form of a call": (
        chat({"function_call": {"name": "look", "arguments": '{"word":'}},
             {"function_call": {"arguments": '"1"}'}}, finish="function_call"),
        ["saw 1"],
    ),
    "calls and finish stop": (chat({"tool_calls": [part(0, "x", a("1"))]}, finish="stop"), ["saw 1"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", CALLS)
async def test_calls_are_put_together_from_any_parts(kind: str) -> None:
    reply, expected = CALLS[kind]
    async with ScriptedModel([reply, Say(ANSWER)]) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await Agent([look]).run(endpoint)).text == ANSWER
        model.assert_complete()
    results = model.requests[-1].results
    assert len(results) == len(expected)
    assert all(words in result for words, result in zip(expected, results, strict=True))


WHOLE = {
    "content in parts": chat({"content": [{"type": "text", "text": "Good"}, {"type": "image"}]}),
    "a refusal": chat({"content": None, "refusal": "Go"}, {"refusal": "od"}),
    "null choices": Raw([chat_wire.frame({"choices": None}), *chat({"content": "Good"}).pieces]),
    "a message and no delta": Raw([chat_wire.frame({"choices": [
        {"message": {"content": "Good"}, "finish_reason": "stop"}]})]),
    "an unknown finish": chat({"content": "Good"}, finish="eos_token"),
    "finish that is a number": chat({"content": "Good"}, finish=1),  # type: ignore[arg-type]
    "an unknown field, deep": chat({"content": "Good", "extra": deep(40)}),
    "numbers that are none": chat({"content": "Good", "logprobs": [float("nan"), float("inf")]}),
}  # fmt: skip


@pytest.mark.parametrize("kind", WHOLE)
async def test_a_reply_of_unusual_values_is_the_answer(kind: str) -> None:
    agent = Agent()
    async with ScriptedModel([WHOLE[kind]]) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await agent.run(endpoint)).text == "Good"
        model.assert_complete()
    json.dumps(bodies(agent.journal, "reply"), allow_nan=False)


SENSELESS: dict[str, dict[str, Any]] = {
    "chat": {
        "a list": [1], "a number": 5, "null": None, "choices that are a number": {"choices": 5},
        "a choice that is null": {"choices": [None]}, "a delta that is a text": {"choices": [{"delta": "x"}]},
        "calls that are a text": {"choices": [{"delta": {"tool_calls": "x"}}]},
        "deeper than a stack": {"choices": [{"delta": {"x": deep(300)}, "finish_reason": "stop"}]},
        "a key that is half an emoji": {"choices": [{"delta": {"content": "", "\ud83d": 1}}]},
        "a number of 5,000 digits": {"choices": [{"delta": {}}], "usage": 10**4000},
    },
    "responses": {
        "a list": [1], "a number": 5, "a delta that is a number": {"type": "x", "delta": 5},
        "an item that is a text": {"type": "response.completed", "response": {"output": ["x"]}},
        "output that is a number": {"type": "response.completed", "response": {"output": 5}},
        "content that is a text": {"type": "response.completed", "response": {
            "output": [{"type": "message", "content": "x"}]}},
        "deeper than a stack": {"type": "response.completed", "response": {"output": [{"x": deep(300)}]}},
        "a response that is null": {"type": "response.completed", "response": None},
        "incomplete without a reason": {"type": "response.incomplete", "response": {"output": []}},
    },
}  # fmt: skip


ROWS = [(api, kind) for api, kinds in SENSELESS.items() for kind in kinds]


@pytest.mark.parametrize(("api", "kind"), ROWS)
async def test_a_reply_that_makes_no_sense_is_asked_for_again(api: str, kind: str) -> None:
    reply = Raw([chat_wire.frame(SENSELESS[api][kind])])
    async with ScriptedModel([reply, Say(ANSWER)]) as model, endpoint_of(model, api=api) as endpoint:
        assert (await Agent().run(endpoint)).text == ANSWER
        model.assert_complete()


async def test_json_deeper_than_python_reads_is_asked_for_again() -> None:
    reply = Raw([b"data: " + b"[" * 100_000 + b"\n\n"])
    async with ScriptedModel([reply, Say(ANSWER)]) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await Agent().run(endpoint)).text == ANSWER


USAGES: list[Any] = [
    None, 5, "many", [], {}, {"prompt_tokens": None}, {"prompt_tokens": -5}, {"prompt_tokens": "12"},
    {"prompt_tokens": 1.5}, {"prompt_tokens": [1]}, {"prompt_tokens_details": 5},
]  # fmt: skip


@pytest.mark.parametrize("usage", USAGES, ids=str)
async def test_a_count_that_is_none_counts_nothing(usage: Any) -> None:
    reply = chat({"content": "Good"}, usage=usage)
    agent = Agent()
    async with ScriptedModel([reply]) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await agent.run(endpoint)).text == "Good"
    assert agent.meter.tokens == 0


@APIS
@pytest.mark.parametrize("model_name", ["gpt-4o", "m"])
async def test_more_tokens_from_the_cache_than_were_sent_cost_what_was_sent(
    api: str, model_name: str
) -> None:
    reply = Turn("Good", usage=Usage(1_000_000, 0, cached=3_000_000))
    prices = Prices({"m": Price(input=2.0, output=8.0, cached=0.5)})
    agent = Agent(prices=prices, model=model_name)
    async with ScriptedModel([reply]) as model, endpoint_of(model, api=api) as endpoint:
        assert (await agent.run(endpoint)).text == "Good"
    assert agent.meter.usd == pytest.approx({"gpt-4o": 1.25, "m": 0.5}[model_name])


async def test_a_count_beyond_all_measure_is_the_most_there_can_be() -> None:
    reply = chat({"content": "Good"}, usage={"prompt_tokens": 10**30})
    agent = Agent()
    async with ScriptedModel([reply]) as model, endpoint_of(model, api="chat") as endpoint:
        await agent.run(endpoint)
    assert agent.meter.tokens == 10_000_000


async def test_a_redirect_is_followed_and_a_circle_of_them_is_not() -> None:
    here: Any = Fault(307, "", {"Location": "/v1/chat/completions"})
    async with ScriptedModel([here, Say(ANSWER)]) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await Agent().run(endpoint)).text == ANSWER
        model.assert_complete()
