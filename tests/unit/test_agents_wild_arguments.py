"""Arguments and results of calls that JSON, an endpoint or a database does not take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest
from pydantic_core import from_json

from tests.support import chat_wire, responses_wire
from tests.support.scripted_model import Call, Reply, Say, ScriptedModel
from tests.support.team import Agent, endpoint_of

ANSWER = "Forty-two \u2028 caf\u00e9 \U0001f600."


WIRES: dict[str, ModuleType] = {"chat": chat_wire, "responses": responses_wire}


APIS = pytest.mark.parametrize("api", WIRES)


async def look(word: str) -> str:
    """Look."""
    return f"saw {word}"


ARGUMENTS: dict[str, tuple[str, str]] = {
    "a list": ('["a"]', "object"),
    "null": ("null", "object"),
    "a number": ("5", "object"),
    "JSON inside JSON": (json.dumps('{"word": "a"}'), "saw a"),
    "sent twice": ('{"word": "a"}{"word": "a"}', "saw a"),
    "something behind the object": ('{"word": "a"} and so on', "not valid JSON"),
    "two objects": ('{"word": "a"}{"word": "b"}', "not valid JSON"),
    "deeper than a stack": ('{"word": ' + "[" * 5_000, "not valid JSON"),
    "half an emoji": ('{"word": "\\ud83d"}', "not valid JSON"),
    "NUL": ('{"word": "a\\u0000b"}', "saw ab"),
    "one key twice": ('{"word": "a", "word": "b"}', "saw b"),
    "a list of what is required": ('{"word": "a", "required": ["word"]}', "saw a"),
    "the shape of a schema": ('{"additionalProperties": false, "properties": {"word": "a"}}', "saw a"),
    "nothing": ("", "the argument word is missing"),
    "NaN": ('{"word": "a", "n": NaN}', "there is no argument n"),
    "Python's own quotes": ("{'word': 'a'}", "not valid JSON"),
    "a fence around it": ('```json\n{"word": "a"}\n```', "not valid JSON"),
}


@APIS
@pytest.mark.parametrize("kind", ARGUMENTS)
async def test_arguments_of_every_kind_are_run_or_reported(kind: str, api: str) -> None:
    arguments, sentence = ARGUMENTS[kind]
    script: list[Reply] = [Call("look", arguments), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api=api) as endpoint:
        assert (await Agent([look]).run(endpoint)).text == ANSWER
        model.assert_complete()
    assert sentence in model.requests[-1].results[0]
    (again,) = heard_again(model.requests[-1].body)
    assert isinstance(from_json(again, allow_inf_nan=False), dict), "vLLM and others refuse every later turn"


async def test_a_description_that_is_sent_as_the_value_is_reported() -> None:
    """A real model of half a billion parameters filled in `create_worker` so."""

    async def hand_over(task: str, title: str = "") -> str:
        """Hand over a part.

        Args:
            task: The objective, and what it is for.
            title: Three to six words for the people who watch.
        """
        return f"{task} is done"

    copies = {"task": "Hand over a part.", "title": "Three to six words for  the people who watch."}
    script: list[Reply] = [Call("hand_over", copies), Call("hand_over", {"task": "Count."}), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        assert (await Agent([hand_over]).run(endpoint)).text == ANSWER
    first, second = (request.results[-1] for request in model.requests[1:])
    assert first.startswith("Error: task, title: the value is the description of the argument, or")
    assert second == "Count. is done"


def heard_again(body: Mapping[str, Any]) -> list[str]:
    """The arguments of the calls that a request repeats."""
    said = [call["function"] for m in body.get("messages", ()) for call in m.get("tool_calls", ())]
    said += [item for item in body.get("input", ()) if item.get("type") == "function_call"]
    return [call["arguments"] for call in said]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_numbers_that_json_has_no_word_for_are_reported(number: str) -> None:
    async def wait(seconds: float) -> str:
        """Wait."""
        return f"waited {seconds}"

    script: list[Reply] = [Call("wait", f'{{"seconds": {number}}}'), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api="chat") as endpoint:
        await Agent([wait]).run(endpoint)
    assert "the argument seconds is wrong" in model.requests[-1].results[0]


async def test_a_result_that_no_database_takes_is_made_sound() -> None:
    async def read() -> str:
        """Read."""
        return "a\x00b \udcff"

    async with ScriptedModel([Call("read"), Say(ANSWER)]) as model, endpoint_of(model) as endpoint:
        await Agent([read]).run(endpoint)
        model.assert_complete()
    assert model.requests[-1].results == ("ab \ufffd",)
