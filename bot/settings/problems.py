"""Error messages for invalid settings: the variable, what it must be, and the fix, without secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

_NOUNS: dict[object, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a JSON object",
}
_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")


def sentence(variable: str, field: FieldInfo, error: ErrorDetails) -> str:
    """`HANDOFF_PORT must be a whole number from 0 to 65535, not 'abc'. Correct it, or …`."""
    return f"{variable}{wanted(field, error)}{_but_is(field, error['input'])}. {_fix(field)}"


def wanted(field: FieldInfo, error: ErrorDetails) -> str:
    """The rest of the sentence: ` must be …`, or `: place: …` for a problem inside a JSON object."""
    cause: Mapping[str, Any] = error.get("ctx") or {}
    if error["type"] == "value_error":
        return f" {cause['error']}"
    if inside := ".".join(map(str, error["loc"][1:])):
        return f": {inside}: {error['msg'][0].lower()}{error['msg'][1:]}"
    return f" must be {expectation(field)}"


def expectation(field: FieldInfo) -> str:
    """What a value must be, as a noun phrase: `a whole number from 1 to 64`, `one of console, json`."""
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(field.annotation))
    noun = next((_NOUNS[kind] for kind in _kinds(field.annotation) if kind in _NOUNS), "text")
    low, above, high = _bound(field, "ge"), _bound(field, "gt"), _bound(field, "le")
    if low is not None and high is not None:
        return f"{noun} from {low} to {high}"
    limits = {"at least": low, "above": above, "at most": high}
    return " ".join(
        [noun, " and ".join(f"{word} {n}" for word, n in limits.items() if n is not None)]
    ).rstrip()


def _kinds(annotation: object) -> tuple[object, ...]:
    """`float | None` -> float, None; `dict[str, int]` -> dict."""
    origin = get_origin(annotation)
    return (dict,) if origin is dict else (annotation, *get_args(annotation))


def _bound(field: FieldInfo, name: str) -> float | None:
    return next((getattr(rule, name) for rule in field.metadata if hasattr(rule, name)), None)


def _but_is(field: FieldInfo, given: object) -> str:
    if _is_secret(field.annotation):
        return ""
    return f", not {_PASSWORD.sub('…@', str(given))!r}"


def _is_secret(annotation: object) -> bool:
    """Also for nested types such as `Annotated[SecretStr, …] | None`."""
    return annotation is SecretStr or any(_is_secret(part) for part in get_args(annotation))


def _fix(field: FieldInfo) -> str:
    if field.default is None or field.default_factory is not None:
        return "Correct it, or remove it."
    return f"Correct it, or remove it to get the default, {field.default!r}."
