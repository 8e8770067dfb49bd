"""Schemas as models see them: nested, with references, recursive."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Any

import pydantic
import pytest

from agents.conversation import ToolCall
from agents.errors import ToolFailure
from agents.schema import MAX_INLINED, flatten
from agents.tools import Tool


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Part(pydantic.BaseModel):
    name: str
    parts: list[Part] = []


async def paint(part: Part, colour: Colour, second: Colour = Colour.BLUE) -> str:
    """Paint a part.

    Args:
        part: What to paint.
        colour: The colour below.
        second: The colour above.
    """
    return f"{part.parts[0].name} {colour} {second}"


def properties(tool: Tool) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(tool.schema))["properties"]
    return found


def test_a_parameter_of_a_type_of_its_own_keeps_its_description_and_default() -> None:
    shown = properties(Tool.from_function(paint))
    colours = {"enum": ["red", "blue"], "type": "string"}
    assert shown["colour"] == {**colours, "description": "The colour below."}
    assert shown["second"] == {**colours, "description": "The colour above.", "default": "blue"}
    assert shown["part"]["description"] == "What to paint."


async def test_a_type_that_holds_itself_is_shown_once_and_taken_at_any_depth() -> None:
    tool = Tool.from_function(paint)
    assert properties(tool)["part"]["properties"]["parts"]["items"] == {}
    arguments = {"part": {"name": "car", "parts": [{"name": "door"}]}, "colour": "red"}
    assert (await tool.call(ToolCall("c", "paint", json.dumps(arguments)))).text == "door red blue"
    with pytest.raises(ToolFailure, match=r"part\.parts\.0\.name is missing"):
        await tool.call(ToolCall("c", "paint", '{"part": {"name": "car", "parts": [{}]}, "colour": "red"}'))


WORD = {"type": "string"}
REFERENCES: dict[str, dict[str, Any]] = {
    "$defs": {"$defs": {"a": WORD}, "properties": {"b": {"$ref": "#/$defs/a"}}},
    "definitions": {"definitions": {"a": WORD}, "properties": {"b": {"$ref": "#/definitions/a"}}},
    "another property": {"properties": {"a/b": WORD, "b": {"$ref": "#/properties/a~1b"}}},
}


@pytest.mark.parametrize("kind", REFERENCES)
def test_a_reference_is_followed_wherever_it_points(kind: str) -> None:
    assert flatten(REFERENCES[kind])["properties"]["b"] == WORD


@pytest.mark.parametrize("reference", ["#/$defs/gone", "https://example.com/schema.json", "#/properties/b/x"])
def test_a_reference_to_nothing_may_be_anything(reference: str) -> None:
    assert flatten({"properties": {"b": {"$ref": reference, "description": "B"}}})["properties"]["b"] == {
        "description": "B"
    }


def test_types_that_double_each_other_come_to_an_end() -> None:
    pair = {str(n): {"properties": {side: {"$ref": f"#/$defs/{n + 1}"} for side in "ab"}} for n in range(60)}
    shown = json.dumps(flatten({"$defs": pair, "$ref": "#/$defs/0"}))
    assert shown.count("properties") <= MAX_INLINED


def test_values_are_left_as_they_are() -> None:
    value = {"title": "a heading", "$ref": "#1"}
    shown = flatten({"properties": {"title": {"title": "Title", "default": value, "enum": [value]}}})
    assert shown == {"properties": {"title": {"default": value, "enum": [value]}}}


async def test_a_foreign_tool_that_takes_any_argument_is_given_any() -> None:
    async def shown(arguments: dict[str, Any]) -> str:
        return json.dumps(arguments)

    tool = Tool.from_schema("t", "T", {"type": "object", "additionalProperties": {"type": "number"}}, shown)
    assert tool.schema["additionalProperties"] == {"type": "number"}
    assert (await tool.call(ToolCall("c", "t", '{"any": 5}'))).text == '{"any": 5}'


@pytest.mark.parametrize("absent", ["properties", "required", "additionalProperties"])
async def test_a_foreign_schema_may_say_that_a_part_is_null(absent: str) -> None:
    async def shown(arguments: dict[str, Any]) -> str:
        return json.dumps(arguments)

    tool = Tool.from_schema("t", "T", {"type": "object", absent: None}, shown)
    assert (await tool.call(ToolCall("c", "t", "{}"))).text == "{}"


async def sell(
    count: Annotated[int, pydantic.Field(ge=1, description="How many.")],
    price: Annotated[float, pydantic.Field(gt=0, description="Not this.")],
) -> str:
    """Sell something.

    Args:
        price: In EUR.
    """
    return f"{count} at {price}"


async def test_what_an_annotation_says_of_a_parameter_is_shown_and_checked() -> None:
    tool = Tool.from_function(sell)
    assert properties(tool) == {
        "count": {"type": "integer", "minimum": 1, "description": "How many."},
        "price": {"type": "number", "exclusiveMinimum": 0, "description": "In EUR."},
    }
    with pytest.raises(ToolFailure, match="count is wrong: Input should be greater than or equal to 1"):
        await tool.call(ToolCall("c", "sell", '{"count": 0, "price": 2}'))
