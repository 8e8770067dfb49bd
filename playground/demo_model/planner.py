"""Splits a request into independent parts.

Looks at the form only: lists, enumerations, separators. It does not cut into code, quotes or links, and keeps
every word of the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

MOST_PARTS = 8
"""The most workers that an orchestrator may start at once. The last part takes what is left over."""

_VERBS = (
    "add|analy[sz]e|average|build|calculate|chart|check|compare|compute|convert|count|create|describe|draw|"
    "estimate|execute|explain|fetch|find|flip|generate|give|graph|list|load|look|make|measure|multiply|open|plot|"
    "print|read|reverse|roll|run|save|say|search|show|simulate|sleep|solve|sort|sum|summari[sz]e|tell|test|toss|"
    "wait|write"
)
_NUMBERS = {word: n for n, word in enumerate(["two", "three", "four", "five", "six", "seven", "eight"], 2)}

_VERB = rf"(?:please\s+)?(?:{_VERBS})\b"
_PROTECTED = re.compile(r"```.*?```|`[^`\n]+`|\"[^\"\n]+\"|“[^”\n]+”|https?://\S*[^\s.,;:!?)]", re.DOTALL)
_HELD = re.compile("\x00(\\d+)\x00")
_ITEM = re.compile(r"(?m)^([ \t]*)(?:[-*•–]|\d{1,2}[.)]|\(?[a-h]\))[ \t]+(?=\S)")
_ENUMERATED = re.compile(r"(?:^|(?<=[\s:;,]))\(?(\d{1,2}|[a-h])[.)]\s+(?=\S)")
_HARD = re.compile(r"\s*;\s+(?:and\s+(?:also\s+)?)?|,?\s+and\s+also\s+", re.IGNORECASE)
_SOFT = re.compile(rf"(?:[.!]|,?\s+and|,)\s+(?:and\s+|also\s+)*(?={_VERB})", re.IGNORECASE)
_COMMAS = re.compile(r",\s+(?:and\s+)?|\s+and\s+", re.IGNORECASE)
_BACK = re.compile(r"(?i)\b(?:it|its|them|that|this|these|those|results?|same|above|then|largest|smallest)\b")
_SEVERAL = rf"\b(?:{'|'.join(_NUMBERS)}|[2-8])\b"
_SIGNALS = rf"{_SEVERAL}|\bparallel\b|\bindependent\w*|\bfollowing\b|\bthese\b|\bsame time\b"
_ANNOUNCED = re.compile(rf"(?is)^(?P<shared>[^:\n]*(?:{_SIGNALS})[^:\n]*):\s+(?P<tail>[^\n]+)$")
_REPEATED = re.compile(rf"(?i)({_SEVERAL})\s+(?:independent|separate|parallel)\b")
_DATA_FILE = re.compile(r"(?i)\.(?:csv|tsv|xlsx?|json|txt|parquet)\b|\battached\b|\battachment\b")


@dataclass(frozen=True)
class Parts:
    """The parts that can run at the same time, and the text that all of them share."""

    items: tuple[str, ...]
    shared: str = ""


def split(request: str) -> Parts:
    """The independent parts of a request: 1 to `MOST_PARTS`, none blank.

    A request without words has no parts.
    """
    masked, held = _hold(request.replace("\x00", "").strip())
    if not masked:
        return Parts(())
    ways: tuple[Callable[[str], Parts | None], ...] = (
        _by_list,
        _by_enumeration,
        _by_lines,
        _by_announcement,
        _by_separators,
        _by_clauses,
        _by_number,
    )
    found = next((parts for way in ways if (parts := way(masked))), Parts((masked,)))
    items = _at_most(tuple(_restore(item, held) for item in found.items))
    return Parts(items, _restore(found.shared, held))


def _hold(text: str) -> tuple[str, list[str]]:
    """The text with code, quotes and links replaced by marks, and what the marks stand for."""
    held: list[str] = []

    def mark(match: re.Match[str]) -> str:
        held.append(match[0])
        return f"\x00{len(held) - 1}\x00"

    return _PROTECTED.sub(mark, text), held


def _restore(text: str, held: list[str]) -> str:
    return _HELD.sub(lambda match: held[int(match[1])], text).strip()


def _by_list(text: str) -> Parts | None:
    starts = list(_ITEM.finditer(text))
    if not starts:
        return None
    indent = len(starts[0][1])
    starts = [start for start in starts if len(start[1]) <= indent + 1]
    items, closing = _cut(text, [(start.start(), start.end()) for start in starts])
    if len(items) < 2:
        return None
    last, _, closing = items[-1].partition("\n\n")
    shared = f"{text[: starts[0].start()].strip()}\n{closing.strip()}".strip()
    return _parts([*items[:-1], last], shared)


def _by_enumeration(text: str) -> Parts | None:
    starts = list(_ENUMERATED.finditer(text))
    labels = [start[1].lower() for start in starts]
    if len(starts) < 2 or labels not in (list("12345678")[: len(labels)], list("abcdefgh")[: len(labels)]):
        return None
    items, before = _cut(text, [(start.start(), start.end()) for start in starts])
    return _parts([item.rstrip(" ;,") for item in items], before)


def _by_lines(text: str) -> Parts | None:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    verb = re.compile(_VERB, re.IGNORECASE)
    if len(lines) < 2 or not all(verb.match(line) for line in lines) or _refers_back(lines):
        return None
    return _parts(lines)


def _by_announcement(text: str) -> Parts | None:
    found = _ANNOUNCED.match(text)
    if not found or _HARD.search(found["tail"]):
        return None
    return _parts(_COMMAS.split(found["tail"].rstrip(". ")), found["shared"])


def _by_separators(text: str) -> Parts | None:
    clauses = [clause for clause in _HARD.split(text) if clause.strip()]
    return None if _refers_back(clauses) else _parts(clauses)


def _by_clauses(text: str) -> Parts | None:
    """Splits three or more commands. Two are often one piece of work: "draw numbers and plot a histogram"."""
    clauses = [clause.strip() for clause in _SOFT.split(text)]
    if len(clauses) < 3 or _DATA_FILE.search(text) or _refers_back(clauses):
        return None
    return _parts(clauses)


def _by_number(text: str) -> Parts | None:
    found = _REPEATED.search(text)
    if not found or "(part " in text:
        return None
    count = _NUMBERS.get(found[1].lower()) or int(found[1])
    return _parts([f"{text} (part {n} of {count})" for n in range(1, count + 1)])


def _cut(text: str, marks: list[tuple[int, int]]) -> tuple[list[str], str]:
    """The pieces after each mark, and the text before the first."""
    ends = [start for start, _ in marks[1:]] + [len(text)]
    items = [text[end:stop].strip() for (_, end), stop in zip(marks, ends, strict=True)]
    return items, text[: marks[0][0]].strip()


def _refers_back(clauses: list[str]) -> bool:
    """Whether a later clause refers to an earlier one.

    One with a colon or held text brings its own object.
    """
    return any(_BACK.search(clause) for clause in clauses[1:] if ":" not in clause and "\x00" not in clause)


def _parts(items: list[str], shared: str = "") -> Parts | None:
    filled = tuple(item.strip() for item in items if item.strip())
    return Parts(filled, shared.strip()) if len(filled) > 1 else None


def _at_most(items: tuple[str, ...]) -> tuple[str, ...]:
    if len(items) <= MOST_PARTS:
        return items
    return (*items[: MOST_PARTS - 1], "\n".join(f"- {item}" for item in items[MOST_PARTS - 1 :]))
