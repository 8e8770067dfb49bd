"""Search in a few hundred short texts by their words."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Words of three letters and more, also inside `snake_case` and `camelCase`.
_WORD = re.compile(r"[^\W_]{3,}")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def best_matches(query: str, texts: Mapping[str, str], most: int) -> list[str]:
    """Keys of at most `most` texts that share words with the query, key included; those that share most
    come first."""
    wanted = _words(query)
    score = {key: len(wanted & _words(f"{key} {text}")) for key, text in texts.items()}
    return sorted((key for key in score if score[key]), key=lambda key: (-score[key], key))[:most]


def _words(text: str) -> set[str]:
    return {word.removesuffix("s") for word in _WORD.findall(_HUMP.sub(" ", text).casefold())}
