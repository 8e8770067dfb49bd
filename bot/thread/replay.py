"""Replays a task's log as the events that built its plan. Steps between a worker's start and end are not in
the log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pydantic

from agents.events import Event, WorkerEnded, WorkerStarted
from agents.orchestrator import Step, plan_changed
from tasks.store.rows import LogRow


class _Plan(pydantic.BaseModel):
    """The arguments of a call of `plan`."""

    steps: list[Step]


def replay_events(rows: Sequence[LogRow]) -> Iterator[Event]:
    """The plan's events of a log, in the order written."""
    for row in rows:
        body = row["body"]
        if row["agent"]:
            if row["kind"] == "result" and (report := body["facts"].get("report")):
                yield WorkerEnded(row["agent"], report["status"], report["summary"])
        elif row["kind"] == "worker":
            yield WorkerStarted(body["worker"], body["title"])
        elif row["kind"] == "reply":
            yield from _plans(body["calls"])
        elif row["kind"] == "result":
            for worker in filter(None, map(body["facts"].get, ("worker", "second_look"))):
                yield from _without_report(worker, rows)


def _plans(calls: Sequence[Mapping[str, Any]]) -> Iterator[Event]:
    for call in calls:
        if call["name"] == "plan":
            try:
                read = _Plan.model_validate_json(call["arguments"])
            except pydantic.ValidationError:
                continue  # refused when it came, and not shown
            yield plan_changed(read.steps)


def _without_report(worker: Mapping[str, Any], rows: Sequence[LogRow]) -> Iterator[Event]:
    """The end of a worker that sent no report of its own."""
    mine = [row for row in rows if row["agent"] == worker["worker"] and row["kind"] == "result"]
    if not any("report" in row["body"]["facts"] for row in mine):
        yield WorkerEnded(worker["worker"], worker["status"], "")
