"""Sanitizes text and JSON values of models, tools and programs for databases and endpoints."""

from __future__ import annotations

import math
from typing import Any

#: Nesting of lists and objects; vendors' fields have a handful of levels.
MAX_DEPTH = 64


class TextBuffer(list[str]):
    """A string that grows by streaming, joined when it is read: appending to a string copies it each time."""

    def __str__(self) -> str:
        if len(self) > 1:
            self[:] = ["".join(self)]
        return sanitize_text(self[0]) if self else ""


def sanitize_text(text: str) -> str:
    """The text without NUL, which databases refuse, and with surrogate pairs joined; lone surrogates are
    replaced. Some endpoints split an emoji between two chunks."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def sanitize(value: Any, deep: int = 0, *, cut: bool = False) -> Any:
    """The value with all strings sanitized; numbers that JSON can't hold become None. Raises `ValueError` for
    nesting deeper than `MAX_DEPTH`, or leaves it out with `cut`."""
    if deep > MAX_DEPTH and cut:
        return None
    if deep > MAX_DEPTH:
        raise ValueError(f"deeper than {MAX_DEPTH}")
    match value:
        case TextBuffer():
            return str(value)
        case str():
            return sanitize_text(value)
        case dict():
            return {sanitize_text(key): sanitize(part, deep + 1, cut=cut) for key, part in value.items()}
        case list():
            return [sanitize(part, deep + 1, cut=cut) for part in value]
        case float() if not math.isfinite(value):
            return None
    return value
