"""Fits a call's arguments to the schema of its tool, where a model has only spelled them otherwise, and finds
those that it has copied from the schema."""

from __future__ import annotations

import json
from typing import Any

from agents.conversation import Json

_TYPES: dict[str, type | tuple[type, ...]] = {
    "array": list, "object": dict, "integer": int, "number": (int, float), "boolean": bool
}  # fmt: skip


def fit(value: Any, schema: Any) -> Any:
    """The value with null left out for optional arguments that are not null, and with what the schema wants
    as a list, an object or a number read from a JSON string."""
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
    return {
        key: fit(one, properties.get(key))
        for key, one in value.items()
        if one is not None or key in required or key not in properties or _takes_null(properties[key])
    }


def copied(value: Any, schema: Json, about: str) -> list[str]:
    """The arguments whose value is their own description in the schema, or `about`, the description of the
    tool: small models write these where they have nothing to say."""
    properties: Json = schema.get("properties") or {}
    return [
        name
        for name, given in (value.items() if isinstance(value, dict) else ())
        if isinstance(given, str)
        and (words := given.split())
        and words in ((properties.get(name) or {}).get("description", "").split(), about.split())
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
