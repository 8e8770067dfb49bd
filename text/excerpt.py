"""Shortens text: to its head and tail for models, to one line for people."""

from __future__ import annotations


def excerpt(text: str, limit: int) -> str:
    """The text, or of `limit` characters the first two thirds and the last third, with a note between."""
    if len(text) <= limit:
        return text
    head, tail = text[: limit * 2 // 3], text[-(limit // 3) :]
    return f"{head}\n[… {len(text) - len(head) - len(tail):,} characters left out …]\n{tail}"


def one_line(text: str, limit: int) -> str:
    """The text on one line, cut at `limit` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
