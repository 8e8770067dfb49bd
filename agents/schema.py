"""JSON schemas of tools, with references inlined and titles removed.

Several OpenAI-compatible servers don't follow `$ref`, and pydantic's `title` fields cost tokens.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from agents.conversation import Json

#: References that are inlined; types that hold each other would go on for ever.
MAX_INLINED = 200
_NAMED = ("properties", "patternProperties", "dependentSchemas")
_VALUES = ("default", "const", "enum", "examples")
_DROPPED = ("$defs", "definitions")


def flatten(schema: Json) -> Json:
    """The schema without references. A recursive type, and any past `MAX_INLINED`, becomes an unconstrained
    schema: the tool itself checks its arguments."""
    found: Json = _Inliner(schema).inline(schema, frozenset())
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
