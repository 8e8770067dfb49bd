"""The results of a run: a line of JSON for each task, sums by model, changes since another run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydantic

RESULTS = "results.jsonl"


class Result(pydantic.BaseModel, frozen=True):
    """What became of one task in one repetition."""

    model: str
    id: str
    kind: str = ""
    repeat: int = 1
    passed: bool
    error: bool = False
    """Whether the check failed, so that the result says nothing about the answer."""
    why: str = ""
    state: str
    answer: str
    seconds: float
    tokens: int
    cost: float | None = None
    """USD, where the price of every reply is known."""

    @property
    def key(self) -> tuple[str, str, int]:
        return self.model, self.id, self.repeat


def read_results(file: Path) -> list[Result]:
    """The results of a file; a line that a kill has cut is left out. Raises OSError."""
    results = []
    for line in file.read_text("utf-8").splitlines():
        try:
            results.append(Result.model_validate_json(line))
        except pydantic.ValidationError:
            continue  # the last line of a run that was killed
    return results


def append_result(file: Path, result: Result) -> None:
    """Append a line; one that a kill has cut is ended first."""
    cut = file.exists() and not file.read_bytes().endswith(b"\n") and file.stat().st_size > 0
    with file.open("a", encoding="utf-8") as lines:
        lines.write(("\n" if cut else "") + result.model_dump_json() + "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScore:
    """One model's results."""

    model: str
    tasks: int
    score: float
    """The share of right answers; results whose check failed are left out."""
    spread: float
    """The standard deviation of the score between repetitions; 0 for a single one."""
    errors: int
    seconds: float
    """Of a task, the median."""
    tokens: int
    """Of a task, the mean."""
    cost: float | None
    """USD of all tasks together; None when a price is not known."""


def score_models(results: Sequence[Result]) -> list[ModelScore]:
    """A score for each model, the best first."""
    models = dict.fromkeys(one.model for one in results)
    scores = [_score(model, [one for one in results if one.model == model]) for model in models]
    return sorted(scores, key=lambda one: -one.score)


def _score(model: str, results: Sequence[Result]) -> ModelScore:
    judged = [one for one in results if not one.error]
    repeats = sorted({one.repeat for one in judged})
    by_repeat = [statistics.mean(one.passed for one in judged if one.repeat == number) for number in repeats]
    costs = [one.cost for one in results]
    known = [cost for cost in costs if cost is not None]
    return ModelScore(
        model=model,
        tasks=len(results),
        score=statistics.mean(one.passed for one in judged) if judged else 0.0,
        spread=statistics.stdev(by_repeat) if len(by_repeat) > 1 else 0.0,
        errors=len(results) - len(judged),
        seconds=statistics.median(one.seconds for one in results),
        tokens=round(statistics.mean(one.tokens for one in results)),
        cost=sum(known) if len(known) == len(costs) else None,
    )


def table(scores: Sequence[ModelScore]) -> str:
    """The scores as lines for a terminal."""
    width = max([len("model"), *(len(one.model) for one in scores)])
    head = f"{'model':<{width}}  tasks   score  spread  errors  s/task  tokens/task     cost"
    lines = [
        f"{one.model:<{width}}  {one.tasks:>5}  {one.score:>6.1%}  {one.spread:>6.1%}  {one.errors:>6}  "
        f"{one.seconds:>6.1f}  {one.tokens:>11,}  {'unknown' if one.cost is None else f'${one.cost:.2f}':>7}"
        for one in scores
    ]
    return "\n".join([head, *lines])


def changes(results: Sequence[Result], before: Sequence[Result]) -> list[str]:
    """A line for each task whose share of right answers is another one than before."""
    now, then = _shares(results), _shares(before)
    return [
        f"{id_}: {then[id_]:.0%} → {now[id_]:.0%}" for id_ in now if id_ in then and now[id_] != then[id_]
    ]


def _shares(results: Sequence[Result]) -> dict[str, float]:
    judged = [one for one in results if not one.error]
    ids = dict.fromkeys(one.id for one in judged)
    return {id_: statistics.mean(one.passed for one in judged if one.id == id_) for id_ in ids}
