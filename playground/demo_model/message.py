"""Parses a person's message in the format that an orchestrator gets: name, words, notes in brackets.

    Ana: plot the revenue

    [Asked on Monday, 2026-11-23 09:00 UTC.]
    [Files in /work: sales.csv (1234 bytes)]

Messages in another format are all words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from playground.demo_model.program import files_named

_NOTES = r"Asked on |Files in /work: |Attached file: |The attached file |The picture |/work/|\d+ more of "
_NOTE = re.compile(rf"(?m)^\[(?:{_NOTES})[^\n]*\]$")
#: What a run of a standing order adds to its task: several lines, which may quote a message.
_RUN = re.compile(r"(?ms)^\[This is a run of the standing order .*?\](?=\n\n\[|\Z)")
_LISTED = re.compile(r"(?m)^\[Files in /work: (.*)\]$")
_ATTACHED = re.compile(r"(?m)^\[Attached file: (?:/work/)?(.*?)(?:, [\d,]+ bytes)?\]$")
_SIZE = re.compile(r" \(\d+ bytes\)$")
#: The beginnings of turns with material for a request: workers' reports, what others wrote in the thread.
_MATERIAL = ("[For this answer the workers had reported", "[What people and apps wrote in the thread")
_SPEAKER = re.compile(r"[^\n:]{1,80}: ")
_MENTION = re.compile(r"(```.*?```)|<[@!#][\w^|.-]+>|@handoff\b:?", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class PersonMessage:
    """The words without mentions, and the names of the files that were attached or named."""

    words: str
    files: tuple[str, ...]


def read_all(texts: Iterable[str]) -> tuple[PersonMessage, ...]:
    """The messages of one conversation. If one has a time note, all of them begin with the speaker's name."""
    found = tuple(texts)
    spoken = any("\n[Asked on " in text for text in found)
    return tuple(_read(text, spoken=spoken) for text in found)


def _read(text: str, *, spoken: bool) -> PersonMessage:
    listed = [_SIZE.sub("", name) for line in _LISTED.findall(text) for name in line.split(", ")]
    words = "" if text.startswith(_MATERIAL) else _NOTE.sub("", _RUN.sub("", text)).strip()
    if spoken:
        words = _SPEAKER.sub("", words, count=1) if _SPEAKER.match(words) else words
    words = _MENTION.sub(lambda found: found[1] or " ", words).strip()
    return PersonMessage(
        words, tuple(dict.fromkeys([*listed, *_ATTACHED.findall(text), *files_named(words)]))
    )
