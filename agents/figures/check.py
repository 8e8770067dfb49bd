"""Looks for each figure of an answer in the sources of its task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import log10

from agents.charts import Chart, charts
from agents.figures.numerals import Number, Numeral, numerals
from agents.figures.prose import without_other_numbers
from agents.figures.sources import (
    FigureSource,
    NumberIndex,
    SourceKind,
    TaskSources,
    has_searched,
    read_sources,
)
from agents.journal import Entry

#: Figures that a correction names.
_MOST_NAMED = 40
_CHART_SCALES = (1.0, 0.01, 1e3, 1e6, 1e9)
_CORRECTION = "These figures of your answer have no source in any run, tool result, report or message: "
_WHAT_TO_DO = (
    ". Have a worker compute them, correct them, or leave them out. Then write the whole answer again, "
    "without a word about this check."
)


@dataclass(frozen=True, slots=True)
class FoundFigure:
    """A figure, as the answer writes it, and its source."""

    text: str
    source: FigureSource


@dataclass(frozen=True, slots=True)
class CheckedFigures:
    """The different figures of an answer in its order, without those of the request."""

    found: tuple[FoundFigure, ...]
    unfound: tuple[str, ...]

    @property
    def are_all_from_runs(self) -> bool:
        """Whether each is in what a run printed or a tool returned."""
        return not self.unfound and all(
            one.source.kind in (SourceKind.RUN, SourceKind.TOOL) for one in self.found
        )


def check_figures(answer: str, request: str, agents: Mapping[str, Sequence[Entry]]) -> CheckedFigures | None:
    """Which figures of the answer have a source; None for a task that has run nothing, or
    whose model service has searched the web.

    The numbers of the charts that the answer shows are figures too. A source is a number that gives the
    figure when it is rounded to the digits shown. The time taken grows with the lengths of the answer and of
    the log (n log n).
    """
    if has_searched(agents):
        return None
    sources = read_sources(request, agents)
    if not sources.has_run:
        return None
    found: dict[str, FoundFigure] = {}
    unfound: dict[str, None] = {}
    for figure in chain(numerals(without_other_numbers(answer)), _plotted(charts(agents))):
        if figure.text in found or figure.text in unfound or _is_asked(figure, sources.request):
            continue
        if source := _source(figure, sources):
            found[figure.text] = FoundFigure(figure.text, source)
        else:
            unfound[figure.text] = None
    return CheckedFigures(tuple(found.values()), tuple(unfound))


def _plotted(shown: Sequence[Chart]) -> Iterator[Numeral]:
    """The numbers of charts, which may be in thousands, millions or percent, as their titles say."""
    values = (abs(value) for chart in shown for _, series in chart.series for value in series if value)
    for value in values:
        text = f"{value:.10f}".rstrip("0").rstrip(".")
        step = 10.0 ** -len(text.partition(".")[2])
        readings = tuple((Number(value * scale, step * scale),) for scale in _CHART_SCALES)
        yield Numeral(f"{text} (chart)", 0, readings, is_percent=False, is_about=False)


def correction(answer: str, agents: Mapping[str, Sequence[Entry]]) -> str:
    """What the orchestrator is asked to correct, once for each task; empty when there is nothing."""
    if any(e.kind == "user" and e.body["text"].startswith(_CORRECTION) for e in agents.get("", ())):
        return ""
    checked = check_figures(answer, "", agents)
    if checked is None or not checked.unfound:
        return ""
    return _CORRECTION + ", ".join(checked.unfound[:_MOST_NAMED]) + _WHAT_TO_DO


def _source(figure: Numeral, sources: TaskSources) -> FigureSource | None:
    for reading in figure.readings:
        places = [
            next(filter(None, (sources.find(*one) for one in _wanted(number, figure))), None)
            for number in reading
        ]
        if None not in places:
            return places[-1]
    return None


def _is_asked(figure: Numeral, request: NumberIndex) -> bool:
    return any(
        all(any(request.nearest(n.value, n.step * 1e-6) for n, _ in _wanted(one, figure)) for one in reading)
        for reading in figure.readings
    )


def _wanted(number: Number, figure: Numeral) -> Iterator[tuple[Number, float]]:
    """The numbers that the figure may be rounded from, each with its tolerance."""
    step = number.step
    tolerance = step / 2
    if figure.is_about and number.value >= 10 and step >= 1:
        while number.value % (step * 10) == 0 and step < 10 ** int(log10(number.value)):
            step *= 10
        tolerance = step
    tolerance += 1e-9 * max(number.value, number.step)
    yield number, tolerance
    if figure.is_percent:
        yield Number(number.value / 100, number.step / 100), tolerance / 100
