"""Validates charts as Slack does: docs.slack.dev/reference/block-kit/blocks/data-visualization-block."""

from __future__ import annotations

from typing import Any

from playground.slack.elements import invalid
from playground.slack.world import Json

MAX_CHARTS = 2
"""Charts of a message."""
_SERIES, _SEGMENTS, _POINTS = 6, 6, 20
_NAME, _TITLE = 20, 50


def check_chart(block: Json, at: str) -> Json:
    """The block of a chart. Raises Refused."""
    _check_name(block.get("title"), f"{at}/title", most=_TITLE)
    chart = block.get("chart")
    kind = chart.get("type") if isinstance(chart, dict) else None
    if not isinstance(chart, dict) or kind not in ("pie", "bar", "area", "line"):
        raise invalid("must be one of pie, bar, area, line", f"{at}/chart/type")
    if kind == "pie":
        segments = _list(chart.get("segments"), f"{at}/chart/segments", most=_SEGMENTS)
        _check_points(segments, f"{at}/chart/segments", above_zero=True)
        return block
    axis = chart.get("axis_config")
    place = f"{at}/chart/axis_config/categories"
    categories = _list(axis.get("categories") if isinstance(axis, dict) else None, place, most=_POINTS)
    for category in categories:
        _check_name(category, place, most=_NAME)
    names = set[str]()
    for number, one in enumerate(_list(chart.get("series"), f"{at}/chart/series", most=_SERIES)):
        series = f"{at}/chart/series/{number}"
        if not isinstance(one, dict):
            raise invalid("must be an object", series)
        _check_name(one.get("name"), f"{series}/name", most=_NAME)
        points = _list(one.get("data"), f"{series}/data", most=_POINTS)
        labels = _check_points(points, f"{series}/data")
        if one["name"] in names or sorted(labels) != sorted(categories):
            raise invalid("must have a name of its own and one point for each category", series)
        names.add(one["name"])
    return block


def _check_points(points: list[Any], at: str, *, above_zero: bool = False) -> list[str]:
    """The labels of points that have one, and a number."""
    for number, point in enumerate(points):
        if not isinstance(point, dict):
            raise invalid("must be an object", f"{at}/{number}")
        value = point.get("value")
        if isinstance(value, bool) or not isinstance(value, int | float) or (above_zero and value <= 0):
            raise invalid("must be a number" + " above zero" * above_zero, f"{at}/{number}/value")
        _check_name(point.get("label"), f"{at}/{number}/label", most=_NAME)
    return [point["label"] for point in points]


def _check_name(value: Any, at: str, *, most: int) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        raise invalid(f"must be a string of 1 to {most} characters", at)


def _list(value: Any, at: str, *, most: int) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise invalid(f"must have 1 to {most} items", at)
    return value
