"""Removes what a service repeats of a request from its words, before they go into a log."""

from __future__ import annotations

import re

#: Characters of a passage that counts as repeated, and between two looks. A shorter one is a name or a word.
_SPAN, _STEP = 40, 10
REMOVED = "[the request's words]"


def without_echo(words: str, request: str) -> str:
    """`words` without the passages that are in `request`, a JSON text or a plain one; on one line."""
    line, source = _flat(words), _flat(request)
    is_repeated = [False] * len(line)
    for start in range(0, len(line) - _SPAN + 1, _STEP):
        if line[start : start + _SPAN] in source:
            is_repeated[start : start + _SPAN] = [True] * _SPAN
    kept = "".join("\0" if repeated else one for one, repeated in zip(line, is_repeated, strict=True))
    return re.sub("\0+", REMOVED, kept)


def _flat(text: str) -> str:
    """On one line, without the escapes of JSON."""
    return " ".join(text.replace("\\n", " ").replace("\\", "").replace("\0", "").split())
