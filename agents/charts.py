"""`show_chart`: a simple chart that Slack draws in the answer, beside the plot that a program saved."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from agents.conversation import Json
from agents.errors import ToolFailure
from agents.journal import Entry, Journal
from agents.outcomes import GOOD
from agents.tools import ToolOutput

#: Series or segments, points of a series, and characters of a name and of a title: the smallest figures of
#: docs.slack.dev/reference/block-kit/blocks/data-visualization-block and of clients for it.
MOST_SERIES, MOST_POINTS, MOST_NAME, MOST_TITLE = 6, 20, 20, 50
#: Charts of one message, by the same page.
MOST_CHARTS = 2
_PICTURES = (".png", ".jpg", ".jpeg", ".gif")
ChartKind = Literal["line", "bar", "area", "pie"]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart. Each series has a name and one number for each label; a pie has one series."""

    kind: ChartKind
    title: str
    labels: tuple[str, ...]
    series: tuple[tuple[str, tuple[float, ...]], ...]


class ChartTool:
    """The tool of one worker, with its journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def show_chart(self, kind: ChartKind, title: str, data: str) -> ToolOutput:
        """Have Slack draw a chart in the answer, beside your saved plot.

        Args:
            kind: The form.
            title: With the unit.
            data: CSV: head, then 1 to 20 rows of label and 1 to 6 numbers; a pie: 6 rows of 1.
        """
        if not any(path.lower().endswith(_PICTURES) for path in _made(self._journal.entries)):
            raise ToolFailure(
                "no run of yours has saved a picture yet, which people see where Slack draws no charts. Save "
                "the plot as a PNG in /work first."
            )
        chart = _read(kind, title.strip(), data)
        return ToolOutput("The answer will have the chart.", {"chart": asdict(chart)})


def charts(agents: Mapping[str, Sequence[Entry]]) -> tuple[Chart, ...]:
    """The charts of a task's workers whose work is of use, as many as a message holds. A later one replaces
    an earlier one with its title. `agents`: see `agents.journal.Journal`."""
    ended = [facts["worker"] for facts in _facts(agents.get("", ())) if "worker" in facts]
    shown: dict[str, Chart] = {}
    for worker in [one["worker"] for one in ended if one["status"] in GOOD]:
        for facts in _facts(agents.get(worker, ())):
            if found := facts.get("chart"):
                series = tuple((name, tuple(values)) for name, values in found["series"])
                shown[found["title"]] = Chart(found["kind"], found["title"], tuple(found["labels"]), series)
    return tuple(shown.values())[:MOST_CHARTS]


def _facts(entries: Sequence[Entry]) -> list[Json]:
    return [entry.body.get("facts", {}) for entry in entries if entry.kind == "result"]


def _made(entries: Sequence[Entry]) -> list[str]:
    return [path for facts in _facts(entries) for path in facts.get("run", {}).get("files", ())]


def _read(kind: ChartKind, title: str, data: str) -> Chart:
    """The chart. Raises `ToolFailure` with the first thing that Slack would refuse."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(data.strip().splitlines()) if any(row)]
    head, *points = rows or [[]]
    names, labels = head[1:], [row[0] for row in points]
    _require(1 <= len(title) <= MOST_TITLE, f"the title needs 1 to {MOST_TITLE} characters")
    series, most = (1, MOST_SERIES) if kind == "pie" else (MOST_SERIES, MOST_POINTS)
    _require(1 <= len(names) <= series, f"a chart of the kind {kind} needs 1 to {series} columns of numbers")
    _require(1 <= len(points) <= most, f"a chart of the kind {kind} needs 1 to {most} rows below the head")
    for name in (*names, *labels):
        _require(1 <= len(name) <= MOST_NAME, f"the name {name[:60]!r} needs 1 to {MOST_NAME} characters")
    _require(len({*names}) == len(names) and len({*labels}) == len(labels), "a name or a label occurs twice")
    for row in points:
        _require(len(row) == len(head), f"the row of {row[0]!r} needs {len(names)} numbers, as the head has")
    values = [[_number(cell) for cell in row[1:]] for row in points]
    _require(kind != "pie" or min(min(row) for row in values) > 0, "the parts of a pie are above zero")
    columns = zip(names, zip(*values, strict=True), strict=True)
    return Chart(kind, title, tuple(labels), tuple(columns))


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    _require(math.isfinite(value), f"{cell[:60]!r} is not a number; write it like 1234.5")
    return value


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise ToolFailure(f"{sentence}. No chart is shown. Send it again, or leave the plot as it is.")
