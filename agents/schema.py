"""A tool's JSON schema as a model is shown it: without what costs tokens or what some endpoints can't follow.

Pydantic repeats every name as a `title`, and puts nested types behind `$ref`, which several OpenAI-compatible
servers do not follow. Never checks a value.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from agents.conversation import Json

#: References that are replaced by what they mean; types that hold each other would go on for ever.
MAX_INLINED = 200
_BY_NAME = ("properties", "patternProperties", "dependentSchemas")
_VALUES = ("default", "const", "enum", "examples")
_UNSHOWN = ("$defs", "definitions")


def flatten(schema: Json) -> Json:
    """The schema in one piece. A type inside itself may be anything there, as may be what is past
    `MAX_INLINED`; whoever runs the tool checks it."""
    found: Json = _Inlining(schema).of(schema, frozenset())
    return found


class _Inlining:
    def __init__(self, whole: Json) -> None:
        self._whole = whole
        self._left = MAX_INLINED

    def of(self, schema: Any, inside: frozenset[str]) -> Any:
        """The part of the schema that is found `inside` these references."""
        if isinstance(schema, list):
            return [self.of(item, inside) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if isinstance(reference := schema.get("$ref"), str):
            return self._in_place_of(reference, {k: v for k, v in schema.items() if k != "$ref"}, inside)
        return {
            key: self._part(key, value, inside)
            for key, value in schema.items()
            if key not in _UNSHOWN and not (key == "title" and isinstance(value, str))
        }

    def _part(self, key: str, value: Any, inside: frozenset[str]) -> Any:
        if key in _VALUES:
            return value
        if key in _BY_NAME and isinstance(value, dict):
            return {name: self.of(one, inside) for name, one in value.items()}
        return self.of(value, inside)

    def _in_place_of(self, reference: str, beside: Json, inside: frozenset[str]) -> Any:
        """What a reference means; what stands beside it (a description, a default) is about this place."""
        if reference in inside or not self._left:
            return self.of(beside, inside)
        self._left -= 1
        return self.of(self._meant(reference) | beside, inside | {reference})

    def _meant(self, reference: str) -> Json:
        """The schema at a JSON pointer (RFC 6901); an empty one where there is none."""
        found: Any = self._whole
        for step in reference.removeprefix("#").split("/")[1:]:
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}
