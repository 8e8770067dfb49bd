"""Text and values as databases and endpoints take them, whatever a model, a tool or a program wrote.

Owns what is made of the rest. Never shortens anything: that is `agents.excerpt`.
"""

from __future__ import annotations

import math
from typing import Any

#: Lists and objects inside each other; vendors' fields have a handful.
MAX_DEPTH = 64


class TextBuffer(list[str]):
    """A string as it grows by streaming; joined once, where adding to a string would copy it every time."""

    def __str__(self) -> str:
        if len(self) > 1:
            self[:] = ["".join(self)]
        return sanitize_text(self[0]) if self else ""


def sanitize_text(text: str) -> str:
    """The text as it can be stored and sent: halves of a character put together, or replaced where one is
    missing, and without NUL, which databases refuse. Some endpoints cut an emoji between two chunks."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def sanitize(value: Any, deep: int = 0) -> Any:
    """The same value with every string in it sound, and in one piece; numbers that JSON has no word for are
    None. Raises `ValueError` for one that is nested deeper than `MAX_DEPTH`."""
    if deep > MAX_DEPTH:
        raise ValueError(f"deeper than {MAX_DEPTH}")
    match value:
        case TextBuffer():
            return str(value)
        case str():
            return sanitize_text(value)
        case dict():
            return {sanitize_text(key): sanitize(part, deep + 1) for key, part in value.items()}
        case list():
            return [sanitize(part, deep + 1) for part in value]
        case float() if not math.isfinite(value):
            return None
    return value
