"""Renders a task's log as a timeline in text, with one bar for each agent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.store.rows import LogRow
from tasks.task import Task
from text.excerpt import one_line

#: Characters of the bars, and of the names before them.
WIDTH, NAME = 48, 22
LEGEND = "● model turn   ■ program run   ━ at work   ░ in the queue"


@dataclass(frozen=True, slots=True)
class _Lane:
    """One agent's log entries."""

    name: str
    rows: Sequence[LogRow]

    def bar(self, clock: _Clock) -> str:
        """Turns hide programs at the same character."""
        cells = [" "] * clock.width
        first, last = clock.place(self.rows[0]["at"]), clock.place(self.rows[-1]["at"])
        cells[first : last + 1] = "━" * (last + 1 - first)
        for sign, rows in (("■", self._programs()), ("●", self._turns())):
            for row in rows:
                cells[clock.place(row["at"])] = sign
        return "".join(cells)

    def words(self) -> str:
        turns, programs = len(list(self._turns())), len(list(self._programs()))
        tokens = sum(row["body"]["usage"][kind] for row in self._turns() for kind in ("input", "output"))
        found = [self._status(), _count(turns, "turn"), _count(programs, "program") if programs else ""]
        return ", ".join(filter(None, [*found, f"{tokens:,} tokens" if tokens else ""]))

    def _turns(self) -> Iterator[LogRow]:
        return (row for row in self.rows if row["kind"] == "reply")

    def _programs(self) -> Iterator[LogRow]:
        return (row for row in self.rows if row["kind"] == "result" and "run" in row["body"]["facts"])

    def _status(self) -> str:
        reports = [row["body"]["facts"]["report"] for row in self.rows if _reports(row)]
        if reports:
            return str(reports[-1]["status"])
        return "" if any(row["kind"] == "ended" for row in self.rows) else "not ended"


@dataclass(frozen=True, slots=True)
class _Clock:
    begin: float
    end: float
    width: int

    def place(self, at: float) -> int:
        """The index of the character for a time."""
        share = (at - self.begin) / max(self.end - self.begin, 1e-9)
        return min(self.width - 1, max(0, int(share * self.width)))


def render_timeline(task: Task, rows: Sequence[LogRow], *, width: int = WIDTH) -> list[str]:
    """The timeline's lines, with bars of `width` characters (at least 24). `rows` is the task's log in order;
    an empty log has no timeline."""
    if not rows:
        return []
    clock = _Clock(task.created_at, max(task.ended_at or 0.0, rows[-1]["at"]), width)
    lines = [_scale(clock)]
    begun = task.started_at or rows[0]["at"]
    if (queued := clock.place(begun)) > 0:
        bar = "░" * queued + " " * (width - queued)
        lines.append(_line("queue", bar, f"{begun - task.created_at:.1f} s"))
    lines += [_line(lane.name, lane.bar(clock), lane.words()) for lane in _lanes(rows)]
    return [*lines, " " * NAME + LEGEND]


def _lanes(rows: Sequence[LogRow]) -> list[_Lane]:
    """The orchestrator, then its workers in order of creation."""
    titles = {row["body"]["worker"]: row["body"]["title"] for row in rows if row["kind"] == "worker"}
    agents = dict.fromkeys(row["agent"] for row in rows)
    lanes = [_Lane("orchestrator", [row for row in rows if not row["agent"]])]
    lanes += [
        _Lane(f"{agent} {titles.get(agent, '')}", [row for row in rows if row["agent"] == agent])
        for agent in sorted(filter(None, agents), key=lambda name: (len(name), name))
    ]
    return [lane for lane in lanes if lane.rows]


def _scale(clock: _Clock) -> str:
    begin, end = (
        datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S") for at in (clock.begin, clock.end)
    )
    gap = "─" * (clock.width - len(begin) - len(end) - 2)
    return _line("", f"{begin} {gap} {end}", f"{clock.end - clock.begin:.1f} s")


def _line(name: str, bar: str, words: str) -> str:
    return f"{one_line(name, NAME - 1):{NAME}}{bar}  {words}".rstrip()


def _reports(row: LogRow) -> bool:
    return row["kind"] == "result" and "report" in row["body"]["facts"]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
