"""The fault table: what each known fault of a model endpoint comes to, on both APIs.

One row per fault. A passing one ends in the right answer; a lasting one in a sentence that says whose problem
it is, after no more requests than have a point. Needs no services.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.fault_rows import BESIDES, LASTING, PAGE, PASSING, Lasting, Row, page
from tests.support.scripted_model import (
    BadJson,
    BadUtf8,
    Call,
    Cut,
    Empty,
    Endless,
    Hang,
    Polite,
    Reply,
    Say,
    ScriptedModel,
    StreamError,
    Turn,
)
from tests.support.team import Agent, endpoint_of
from tests.unit import (
    test_agents_learned,
    test_agents_pictures,
    test_agents_text_calls,
    test_agents_vendor_streams,
    test_agents_vendors,
    test_agents_web_search,
)

APIS = pytest.mark.parametrize("api", ["chat", "responses"])
ANSWER = "Forty-two."


async def look_up(word: str) -> str:
    """Look a word up.

    Args:
        word: The word.
    """
    return f"{word}: 42"


GOOD: tuple[Reply, ...] = (Call("look_up", {"word": "answer"}), Say(ANSWER))


@APIS
@pytest.mark.parametrize("row", PASSING, ids=str)
async def test_a_passing_fault_ends_in_the_answer(row: Row, api: str) -> None:
    idle_timeout = 1.0 if any(isinstance(fault, Hang) for fault in row.faults) else 30.0
    async with ScriptedModel([*row.faults, *GOOD]) as model:
        async with endpoint_of(model, api=api, idle_timeout=idle_timeout) as endpoint:
            ending = await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert (ending.text, ending.reason) == (ANSWER, "")
    assert len(model.requests) == row.requests


WHOLE: dict[str, Sequence[Reply]] = {
    "none": [], "unfinished": [Polite()], "an error": [StreamError()], "not JSON": [BadJson()],
    "not UTF-8": [BadUtf8()], "half of it": [Cut()],
}  # fmt: skip


@APIS
@pytest.mark.parametrize("faults", WHOLE.values(), ids=WHOLE)
async def test_an_endpoint_that_never_streams_is_understood_too(faults: Sequence[Reply], api: str) -> None:
    two = Turn(calls=(Call("look_up", {"word": "a"}), Call("look_up", {"word": "b"})))
    async with ScriptedModel([*faults, two, Say(ANSWER)], streams=False) as model:
        async with endpoint_of(model, api=api) as endpoint:
            ending = await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert (ending.text, ending.reason) == (ANSWER, "")
    assert model.requests[-1].results == ("a: 42", "b: 42")
    assert len(model.requests) == 2 + len(faults)


@APIS
@pytest.mark.parametrize("row", LASTING, ids=str)
async def test_a_lasting_fault_ends_in_one_sentence(row: Lasting, api: str) -> None:
    async with ScriptedModel([row.fault] * row.requests) as model:
        async with endpoint_of(model, api=api) as endpoint:
            with pytest.raises(row.kind) as caught:
                await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert str(caught.value) == row.sentence
    assert len(model.requests) == row.requests


@APIS
async def test_a_reply_cut_by_length_is_continued_and_reported_as_one(api: str) -> None:
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
    monkeypatch.setattr("agents.model.wire.assembler.MAX_REPLY", 2_000)
    async with ScriptedModel([Endless(), Say(ANSWER)], piece=50) as model:
        async with endpoint_of(model, api=api) as endpoint:
            ending = await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert ending.text == ANSWER


@APIS
async def test_a_thousand_calls_in_one_reply_are_cut_to_what_is_bearable(api: str) -> None:
    calls = tuple(Call("look_up", {"word": str(n)}) for n in range(1_000))
    async with ScriptedModel([Turn(calls=calls), Say(ANSWER)], piece=100) as model:
        async with endpoint_of(model, api=api) as endpoint:
            ending = await Agent([look_up]).run(endpoint)
        model.assert_complete()
    assert ending.text == ANSWER
    results = model.requests[-1].results
    assert len(results) == 32
    assert "968 more calls" in results[-1]


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
    ("sent", "sanitized"),
    [("\ud83d\ude00!", "\U0001f600!"), ("half \ud83d", "half \ufffd"), ("nul\x00l", "null")],
    ids=["an emoji in two chunks", "half an emoji", "NUL"],
)
async def test_what_no_database_takes_is_made_sound(sent: str, sanitized: str, api: str) -> None:
    script: list[Reply] = [Turn(sent, calls=(Call("look_up", {"word": "a"}),)), Say(sent)]
    agent = Agent([look_up])
    async with ScriptedModel(script, piece=1) as model, endpoint_of(model, api=api) as endpoint:
        ending = await agent.run(endpoint)
        model.assert_complete()
    assert ending.text == sanitized
    for entry in agent.journal.entries:
        assert "\x00" not in str(entry.body)
        str(entry.body).encode()


@APIS
async def test_an_answer_of_200_kilobytes_arrives_whole(api: str) -> None:
    answer = "0123456789" * 20_000
    async with ScriptedModel([Say(answer)], piece=64) as model, endpoint_of(model, api=api) as endpoint:
        ending = await Agent([look_up]).run(endpoint)
    assert ending.text == answer


def test_the_page_shows_of_each_row() -> None:
    assert page() in PAGE.read_text()
    tests = globals() | vars(test_agents_vendors) | vars(test_agents_vendor_streams)
    tests |= vars(test_agents_pictures) | vars(test_agents_learned) | vars(test_agents_web_search)
    tests |= vars(test_agents_text_calls)
    assert [row for row in BESIDES if row[-1] not in tests] == []
