"""Schemas as models see them: nested, with references, recursive."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import pydantic
import pytest

from agents.conversation import ToolCall
from agents.errors import ToolFailure
from agents.tools import Tool
from agents.tools.schema import MAX_INLINED, MAX_SCHEMA, flatten, mend


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


MENDED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an array without items": (
        {"type": "object", "properties": {"a": {"type": "array"}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": {}}}},
    ),
    "items in a list": (
        {"properties": {"a": {"type": ["array", "null"], "items": [{"type": "string"}], "prefixItems": []}}},
        {"type": "object", "properties": {"a": {"type": ["array", "null"], "items": {}}}},
    ),
    "a deep array": (
        {"properties": {"a": {"type": "object", "properties": {"b": {"anyOf": [{"type": "array"}]}}}}},
        {"type": "object", "properties": {"a": {"type": "object", "properties": {
            "b": {"anyOf": [{"type": "array", "items": {}}]}}}}},
    ),
    "variants at the top": (
        {"type": "object", "properties": {"x": {"type": "string"}}, "anyOf": [
            {"properties": {"id": {"type": "integer"}, "n": {}}, "required": ["id", "n"]},
            {"properties": {"name": {"type": "string"}, "n": {}}, "required": ["name", "n"]}]},
        {"type": "object", "required": ["n"], "properties": {
            "name": {"type": "string"}, "id": {"type": "integer"}, "n": {}, "x": {"type": "string"}}},
    ),
    "variants that only require": (
        {"properties": {"a": {}, "b": {}}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"type": "object", "properties": {"a": {}, "b": {}}},
    ),
    "all of several": (
        {"allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}]},
        {"type": "object", "properties": {"b": {}, "a": {}}, "required": ["a"]},
    ),
    "what is refused at the top": (
        {"type": "object", "not": {"required": ["a"]}, "if": {}, "then": {}, "$schema": "x", "enum": [1]},
        {"type": "object"},
    ),
    "true for a schema, and what is required and missing": (
        {"type": "object", "properties": {"a": True}, "required": ["a", "b"]},
        {"type": "object", "properties": {"a": {}}, "required": ["a"]},
    ),
    "null beside an object": ({"type": ["object", "null"]}, {"type": "object"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", MENDED)
def test_schemas_are_mended_as_services_want_them(kind: str) -> None:
    given, expected = MENDED[kind]
    assert mend(given) == expected


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "string"}, "not one of an object"),
        ({"type": "object", "properties": [1]}, "not one of an object"),
        ({"type": "object", "description": "x" * MAX_SCHEMA}, "more than 50,000 characters"),
    ],
)
def test_a_schema_that_cant_be_mended_is_refused(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        mend(schema)


async def book(
    day: str, people: int = 2, rooms: list[str] | None = None, notes: str = "", parts: Sequence[Part] = ()
) -> str:
    """Book."""
    return f"{day} {people} {rooms} {notes!r} {[part.name for part in parts]}"


FITTED = {
    '{"day": "Monday", "people": null, "notes": null}': "Monday 2 None '' []",
    '{"day": "Monday", "people": "3", "rooms": "[\\"a\\", \\"b\\"]"}': "Monday 3 ['a', 'b'] '' []",
    '{"day": "Monday", "rooms": null, "parts": "[{\\"name\\": \\"x\\"}]"}': "Monday 2 None '' ['x']",
    '{"day": "[1]", "parts": [{"name": "x", "parts": null}]}': "[1] 2 None '' ['x']",
    '{"day": "[1]", "parts": ["{\\"name\\": \\"x\\"}"]}': "[1] 2 None '' ['x']",
}


@pytest.mark.parametrize("arguments", FITTED)
async def test_arguments_in_another_spelling_are_fitted_to_the_schema(arguments: str) -> None:
    found = await Tool.from_function(book).call(ToolCall("c", "book", arguments))
    assert found.text == FITTED[arguments]


async def test_arguments_of_a_teams_tool_are_fitted_too() -> None:
    seen: list[Any] = []

    async def run(arguments: dict[str, Any]) -> str:
        seen.append(arguments)
        return "ran"

    schema = {"properties": {"ids": {"type": "array", "items": {"type": "integer"}}, "q": {"type": "string"},
                             "deep": {"type": "boolean"}, "any": {}}, "required": ["q"]}  # fmt: skip
    tool = Tool.from_schema("find", "Find.", schema, run)
    await tool.call(ToolCall("c", "find", '{"q": "[1]", "ids": "[1, 2]", "deep": "true", "any": null}'))
    await tool.call(ToolCall("c", "find", '{"q": "x", "ids": null, "deep": "maybe"}'))
    assert seen == [{"q": "[1]", "ids": [1, 2], "deep": True, "any": None}, {"q": "x", "deep": "maybe"}]
