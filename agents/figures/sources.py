"""What the figures of an answer may come from: outputs, tool results, files and reports of a log."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from agents.conversation import Json
from agents.figures.numerals import Number, numerals
from agents.journal import Entry

#: Lines that the system adds to a request: the time, and the sizes of files.
_SYSTEM_LINE = re.compile(r"^\[(?:Asked on |Files in /work:).*\]$", re.MULTILINE)


class SourceKind(IntEnum):
    """The better source comes first."""

    RUN = 0
    TOOL = 1
    READ = 2  # what the orchestrator read: a file, a channel, a person's answer
    REPORT = 3


@dataclass(frozen=True, slots=True)
class FigureSource:
    """Where a figure stands: `line` of the `number`-th run or tool result of a worker."""

    kind: SourceKind
    worker: str
    """Empty for the orchestrator."""
    title: str
    number: int
    line: str


@dataclass(slots=True)
class NumberIndex:
    """Numbers by their size, each with the place it was found."""

    _rows: list[tuple[float, int]] = field(default_factory=list)
    _places: list[FigureSource] = field(default_factory=list)
    _is_sorted: bool = True

    def add(self, text: str, source: FigureSource) -> None:
        """Add every number of a text, with its line."""
        for line in text.splitlines():
            place = len(self._places)
            self._places.append(
                FigureSource(source.kind, source.worker, source.title, source.number, line.strip()[:200])
            )
            for numeral in numerals(line):
                values = {number.value for reading in numeral.readings for number in reading}
                values |= {value / 100 for value in values} if numeral.is_percent else set()
                self._rows += [(value, place) for value in values]
        self._is_sorted = False

    def nearest(self, value: float, tolerance: float) -> FigureSource | None:
        """The place of the number nearest to `value`, if it is not farther than `tolerance`."""
        if not self._is_sorted:
            self._rows.sort()
            self._is_sorted = True
        at = bisect_left(self._rows, (value,))
        near = [row for row in self._rows[max(0, at - 1) : at + 1] if abs(row[0] - value) <= tolerance]
        return self._places[min(near, key=lambda row: abs(row[0] - value))[1]] if near else None


@dataclass(frozen=True, slots=True)
class TaskSources:
    """The numbers of a task's log."""

    request: NumberIndex
    by_kind: Mapping[SourceKind, NumberIndex]
    has_run: bool

    def find(self, number: Number, tolerance: float) -> FigureSource | None:
        for kind in SourceKind:
            if source := self.by_kind[kind].nearest(number.value, tolerance):
                return source
        return None


def read_sources(request: str, agents: Mapping[str, Sequence[Entry]]) -> TaskSources:
    """The sources of a task. `agents` has every agent's entries, the orchestrator's under ""."""
    asked = NumberIndex()
    by_kind = {kind: NumberIndex() for kind in SourceKind}
    asked.add(request, FigureSource(SourceKind.READ, "", "", 0, ""))
    has_run = False
    titles = {e.body["worker"]: str(e.body["title"]) for e in agents.get("", ()) if e.kind == "worker"}
    for agent, entries in agents.items():
        if not agent:
            for text in _words_of_people(entries):
                asked.add(text, FigureSource(SourceKind.READ, "", "", 0, ""))
        for number, (kind, text) in enumerate(_results(agent, entries), 1):
            by_kind[kind].add(text, FigureSource(kind, agent, titles.get(agent, ""), number, ""))
            has_run = has_run or kind in (SourceKind.RUN, SourceKind.TOOL)
    return TaskSources(asked, by_kind, has_run)


def has_searched(agents: Mapping[str, Sequence[Entry]]) -> bool:
    """Whether the model service has searched the web for a reply: what it found there is in no log."""
    return any(
        item.get("type") == "web_search_call" or item.get("annotations")
        for entries in agents.values()
        for entry in entries
        if entry.kind == "reply"
        for item in entry.body.get("raw", ())
    )


def _words_of_people(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.kind == "opening":
            yield from (_SYSTEM_LINE.sub("", turn["text"]) for turn in entry.body["turns"])
        elif entry.kind == "user" and "inbox" in entry.body:
            yield entry.body["text"]


def _results(agent: str, entries: Sequence[Entry]) -> Iterator[tuple[SourceKind, str]]:
    for entry in entries:
        if entry.kind == "ended" and agent:
            yield SourceKind.REPORT, entry.body.get("text", "")
        if entry.kind != "result":
            continue
        facts, text = entry.body.get("facts") or {}, entry.body["text"]
        if "report" in facts:
            yield SourceKind.REPORT, _report_text(facts["report"])
        elif "run" in facts:
            yield SourceKind.RUN, text.partition("\n")[2]  # its first line is the system's own
        elif agent:
            yield SourceKind.TOOL, text
        elif "worker" not in facts:
            yield SourceKind.READ, text


def _report_text(report: Json) -> str:
    return "\n".join(str(report.get(part, "")) for part in ("summary", "evidence", "open_points"))
