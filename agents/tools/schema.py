"""JSON schemas of tools, with references inlined and titles removed.

Several OpenAI-compatible servers don't follow `$ref`, and pydantic's `title` fields cost tokens.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from agents.conversation import Json

#: References that are inlined; types that hold each other would go on for ever.
MAX_INLINED = 200
_NAMED = ("properties", "patternProperties", "dependentSchemas")
_VALUES = ("default", "const", "enum", "examples")
_DROPPED = ("$defs", "definitions")
#: Keywords that OpenAI refuses beside the type of the arguments.
_AT_THE_TOP = ("allOf", "anyOf", "oneOf", "not", "enum", "if", "then", "else")
#: Characters of one tool's schema, which each request repeats.
MAX_SCHEMA = 50_000


def safe_name(name: str) -> str:
    """A tool's name with the characters and length that endpoints accept."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:64] or "unnamed"


def flatten(schema: Json) -> Json:
    """The schema without references. A recursive type, and any past `MAX_INLINED`, becomes an unconstrained
    schema: the tool itself checks its arguments."""
    found: Json = _Inliner(schema).inline(schema, frozenset())
    return found


def mend(schema: Json) -> Json:
    """A schema of arguments without what model services refuse: variants at the top, arrays without items,
    `true` for a schema. Its references are inlined already.

    Raises `ValueError` with a sentence when it is no schema of arguments.
    """
    whole = _merged(schema)
    properties = whole.get("properties") or {}
    kinds = whole.get("type", "object")
    if not isinstance(properties, dict) or "object" not in ([kinds] if isinstance(kinds, str) else kinds):
        raise ValueError("its schema is not one of an object")
    required = [name for name in whole.get("required") or () if name in properties]
    found: Json = _mended(whole) | {"type": "object"}
    found.pop("required", None)
    if len(json.dumps(found)) > MAX_SCHEMA:
        raise ValueError(f"its schema has more than {MAX_SCHEMA:,} characters")
    return found | ({"required": required} if required else {})


def _merged(schema: Json) -> Json:
    """The schema with its variants as one object. What all variants require is required."""
    found = {key: value for key, value in schema.items() if key not in _AT_THE_TOP}
    for key in ("allOf", "anyOf", "oneOf"):
        variants = [_merged(one) for one in schema.get(key) or () if isinstance(one, dict)]
        if not variants:
            continue
        needed = [set(one.get("required") or ()) for one in variants]
        both = set.union(*needed) if key == "allOf" else set.intersection(*needed)
        for one in variants:
            found["properties"] = one.get("properties", {}) | found.get("properties", {})
        found["required"] = [*(found.get("required") or ()), *sorted(both)]
    return found


def _mended(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return {}  # `true` allows everything
    found = {key: value for key, value in schema.items() if not key.startswith("$") and value != []}
    for key in ("properties", "patternProperties"):
        if isinstance(found.get(key), dict):
            found[key] = {name: _mended(one) for name, one in found[key].items()}
    for key in ("anyOf", "oneOf", "allOf"):
        if key in found:
            found[key] = [_mended(one) for one in found[key]]
    kinds = found.get("type", ())
    if "array" in ([kinds] if isinstance(kinds, str) else kinds):
        found.pop("prefixItems", None)
        found["items"] = _mended(found.get("items"))
    return found


class _Inliner:
    def __init__(self, whole: Json) -> None:
        self._whole = whole
        self._left = MAX_INLINED

    def inline(self, schema: Any, inside: frozenset[str]) -> Any:
        """A part of the schema that stands `inside` these references."""
        if isinstance(schema, list):
            return [self.inline(item, inside) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if isinstance(reference := schema.get("$ref"), str):
            return self._resolve(reference, {k: v for k, v in schema.items() if k != "$ref"}, inside)
        return {
            key: self._part(key, value, inside)
            for key, value in schema.items()
            if key not in _DROPPED and not (key == "title" and isinstance(value, str))
        }

    def _part(self, key: str, value: Any, inside: frozenset[str]) -> Any:
        if key in _VALUES:
            return value
        if key in _NAMED and isinstance(value, dict):
            return {name: self.inline(one, inside) for name, one in value.items()}
        return self.inline(value, inside)

    def _resolve(self, reference: str, beside: Json, inside: frozenset[str]) -> Any:
        """The target of a reference, with the fields beside it (a description, a default)."""
        if reference in inside or not self._left:
            return self.inline(beside, inside)
        self._left -= 1
        return self.inline(self._target(reference) | beside, inside | {reference})

    def _target(self, reference: str) -> Json:
        """The schema at a JSON pointer (RFC 6901); an empty one where there is none."""
        found: Any = self._whole
        for step in reference.removeprefix("#").split("/")[1:]:
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}
