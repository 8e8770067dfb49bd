"""Fits a call's arguments to the schema of its tool, where a model has only spelled them otherwise, and finds
those that it has copied from the schema or from its instructions."""

from __future__ import annotations

import json
import re
from typing import Any

from agents.conversation import Json

_TYPES: dict[str, type | tuple[type, ...]] = {
    "array": list, "object": dict, "integer": int, "number": (int, float), "boolean": bool
}  # fmt: skip

_SCHEMA_WORDS = {"type", "properties", "required", "additionalProperties"}
#: Characters of a sentence that nobody writes by chance.
_LONG_SENTENCE = 50
#: Words of the beginning of a description that nobody writes by chance.
_MANY_WORDS = 5


def fit(value: Any, schema: Any) -> Any:
    """The value without null for optional arguments that are not null and without keywords of a schema, and
    with what the schema wants as a list, an object or a number read from a JSON string."""
    if not isinstance(schema, dict):
        return value
    types = _types(schema)
    if isinstance(value, str) and types and "string" not in types:
        value = _from_string(value, types)
    if isinstance(value, list):
        return [fit(one, schema.get("items")) for one in value]
    if not isinstance(value, dict):
        return value
    properties: Json = schema.get("properties") or {}
    required = schema.get("required") or ()
    if schema.get("additionalProperties") is False:
        value = _without_schema_words(value, properties)
    return {
        key: fit(one, properties.get(key))
        for key, one in value.items()
        if one is not None or key in required or key not in properties or _takes_null(properties[key])
    }


def _without_schema_words(value: Json, properties: Json) -> Json:
    """The object without the schema's own keywords: small models write arguments in the shape of a schema."""
    inner = value.get("properties")
    if isinstance(inner, dict) and "properties" not in properties:
        value = inner | value
    return {key: one for key, one in value.items() if key in properties or key not in _SCHEMA_WORDS}


def copied(value: Any, schema: Json, about: str) -> list[str]:
    """The arguments whose value is their own description in the schema, or `about`, the description of the
    tool, or five words and more of its beginning: small models write these where they have nothing to say."""
    properties: Json = schema.get("properties") or {}
    return [
        name
        for name, given in (value.items() if isinstance(value, dict) else ())
        if isinstance(given, str)
        and (_begins(about, given) or _begins((properties.get(name) or {}).get("description", ""), given))
    ]


def _begins(description: str, given: str) -> bool:
    whole, words = description.split(), given.split()
    return bool(words) and whole[: len(words)] == words and (len(words) >= _MANY_WORDS or whole == words)


def quoting(arguments: str, instructions: str) -> list[str]:
    """The arguments that hold a whole sentence of the model's instructions, of 50 characters or more."""
    try:
        value = json.loads(arguments or "{}", strict=False)
    except (ValueError, RecursionError):
        return []  # the tool itself refuses them
    sentences = [" ".join(one.split()) for one in re.split(r"(?<=[.:?])\s", instructions)]
    long = [one for one in sentences if len(one) >= _LONG_SENTENCE]
    return [
        name
        for name, given in (value.items() if isinstance(value, dict) else ())
        if isinstance(given, str) and any(one in " ".join(given.split()) for one in long)
    ]


def _types(schema: Json) -> set[str]:
    """The JSON types that a schema allows; empty for any."""
    kinds = schema.get("type")
    found = {kinds} if isinstance(kinds, str) else set(kinds or ())
    for key in ("anyOf", "oneOf"):
        parts = [_types(part) if isinstance(part, dict) else set[str]() for part in schema.get(key) or ()]
        if not all(parts):
            return set()
        found = found.union(*parts)
    return found if "enum" not in schema and "const" not in schema else set()


def _takes_null(schema: Any) -> bool:
    types = _types(schema) if isinstance(schema, dict) else set()
    return not types or "null" in types


def _from_string(text: str, types: set[str]) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    is_wanted = any(isinstance(found, _TYPES[kind]) for kind in types & _TYPES.keys())
    is_other = isinstance(found, bool) and "boolean" not in types
    return found if is_wanted and not is_other else text
