"""How long a model service asks to wait, from the headers and the words of its refusal. All in seconds."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_PART = r"(\d+(?:\.\d+)?)\s?(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)(?![a-z])"
_DURATION = re.compile(rf"(?:{_PART}[\s,]*)+")
_ASKED = re.compile(rf"(?:retry|try again|wait)(?: in| after| for)? (?P<wait>{_DURATION.pattern})")
#: Numbers above these are points in time, since 1970.
_EPOCH_SECONDS, _EPOCH_MILLISECONDS = 1e9, 1e12


def asked_wait(status: int, words: str, headers: Mapping[str, str]) -> float | None:
    """The wait that a refusal asks for; None where it names none.

    `Retry-After` counts before the words ("Please try again in 20s"), and for a rate limit these before the
    headers that say when it is reset. `headers` have names in lower case.
    """
    if (wait := _retry_after(headers)) is not None:
        return wait
    if (wait := wait_in(words)) is not None:
        return wait
    return _reset(headers) if status == 429 else None


def wait_in(words: str) -> float | None:
    found = _ASKED.search(words.lower())
    return _duration(found["wait"]) if found else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "")
    if (seconds := _span(text)) is not None:
        return seconds
    try:
        return parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def _reset(headers: Mapping[str, str]) -> float | None:
    """Until the limit that is used up is reset, or all of them where none is named as used up.

    Among them `x-ratelimit-reset-tokens: 6m0s` (OpenAI, Groq), `anthropic-ratelimit-tokens-reset` with a
    date, and `x-ratelimit-reset` with a point in time (OpenRouter).
    """
    names = [name for name in headers if "ratelimit" in name and "reset" in name]
    found = {name: wait for name in names if (wait := _span(headers[name])) is not None}
    used_up = [wait for name, wait in found.items() if _is_used_up(headers, name)]
    return max(used_up or found.values(), default=None)


def _is_used_up(headers: Mapping[str, str], reset: str) -> bool:
    left = _number(headers.get(reset.replace("reset", "remaining"), ""))
    return left is not None and left <= 0


def _span(text: str) -> float | None:
    """Seconds from a number, a duration, or a point in time."""
    number = _number(text)
    if number is None:
        return _duration(text.lower()) if _DURATION.fullmatch(text.strip().lower()) else _until(text)
    if number > _EPOCH_MILLISECONDS:
        return number / 1000 - time.time()
    return number - time.time() if number > _EPOCH_SECONDS else number


def _until(date: str) -> float | None:
    try:
        return datetime.fromisoformat(date).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def _duration(text: str) -> float:
    parts = re.findall(_PART, text)
    return sum(float(count) * _unit(name) for count, name in parts)


def _unit(name: str) -> float:
    return 0.001 if name.startswith(("ms", "mil")) else _SECONDS[name[0]]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number
