"""Patterns of watches: words or phrases separated by commas, of which one must occur in the message.

Case and the kind of white space don't matter. A phrase matches whole words; `*` at its begin or end lets the
word go on there. Matching takes linear time, whatever people write.
"""

from __future__ import annotations


def phrases(pattern: str) -> tuple[str, ...]:
    """The phrases of a pattern in their normal form; empty for one that takes every message."""
    found = (_normal(part) for part in pattern.split(","))
    return tuple(part for part in found if part.strip("*"))


def matches(wanted: tuple[str, ...], text: str) -> bool:
    """Whether one of the `phrases` occurs; true without phrases."""
    normal = _normal(text)
    return not wanted or any(_occurs(phrase, normal) for phrase in wanted)


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())


def _occurs(phrase: str, text: str) -> bool:
    word = phrase.strip("*").strip()
    begins, ends = not phrase.startswith("*"), not phrase.endswith("*")
    at = text.find(word)
    while at >= 0:
        after = at + len(word)
        is_begin = not begins or at == 0 or not (text[at - 1].isalnum() and word[0].isalnum())
        is_end = not ends or after == len(text) or not (text[after].isalnum() and word[-1].isalnum())
        if is_begin and is_end:
            return True
        at = text.find(word, after)
    return False
