"""Finds the bot's secrets in text, for the log and for what is posted to Slack."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import unquote

REDACTED = "[redacted]"
#: Shorter values are words rather than secrets; without them a text would be unreadable.
SHORTEST = 8


def secret_patterns(secrets: Iterable[str]) -> Sequence[str]:
    """Patterns of each value, however it is coded in the text; longest first."""
    values = {unquote(secret) for secret in secrets if len(secret) >= SHORTEST}
    return ["".join(map(_coded, value)) for value in sorted(values, key=len, reverse=True)]


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that replaces these values in a text."""
    patterns = secret_patterns(secrets)
    if not patterns:
        return lambda text: text
    found = re.compile("|".join(patterns))
    return lambda text: found.sub(REDACTED, text)


def _coded(character: str) -> str:
    """A character as it is, in a URL, in JSON and in Python's own form, also one inside the other: each level
    adds backslashes, of which up to nine are matched, so that no line takes long."""
    if character.isascii() and character.isalnum():
        return character
    halves = re.findall("....", character.encode("utf-16-be").hex())
    in_json = "".join(rf"\\{{1,9}}u{half}" for half in halves)
    in_url = re.escape("".join(f"%{byte:02x}" for byte in character.encode()))
    in_python = rf"\\{{1,9}}x{ord(character):02x}|\\{{1,9}}U{ord(character):08x}"
    return rf"(?i:\\{{0,9}}{re.escape(character)}|{in_json}|{in_url}|{in_python})"
