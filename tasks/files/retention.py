"""How long ended tasks are kept: by default, and in places that have a value of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import ColumnElement, and_, not_

from tasks.store import schema

Place = tuple[str, ...]
"""A workspace, `(team,)`, or a channel, `(team, channel)`. Empty: everywhere."""


def expired(kept: Mapping[Place, float], now: float) -> Iterator[list[ColumnElement[bool]]]:
    """The conditions of the tasks to delete, for each place; the narrowest place of a task decides.

    `kept` has seconds by place, of which 0 keeps tasks forever.
    """
    for place, seconds in kept.items():
        inside = [other for other in kept if len(other) > len(place) and other[: len(place)] == place]
        if seconds:
            elsewhere = [not_(and_(*_within(other))) for other in inside]
            yield [schema.task.c.ended_at < now - seconds, *_within(place), *elsewhere]


def _within(place: Place) -> list[ColumnElement[bool]]:
    columns = (schema.task.c.team, schema.task.c.channel)
    return [column == value for column, value in zip(columns, place, strict=False)]
