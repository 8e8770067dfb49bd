"""What people see of a task under way: a title, and a row per worker with what it is doing now.

Pure: events in, chunks for Slack's stream out. Never calls Slack.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from agents.events import Event, Notice, PlanChanged, WorkerEnded, WorkerStarted, WorkerStep
from agents.excerpt import one_line
from bot.wire.text import one_plain_line

#: Characters of a title, of details and of an output in a stream's chunks (docs.slack.dev, chat.startStream).
FIELD_LIMIT = 256
_STATUS_OF_REPORT = {"done": "complete", "partial": "complete", "blocked": "error", "failed": "error"}
_MARK = {"pending": "○", "in_progress": "◐", "complete": "●", "error": "✕"}

Chunk = dict[str, Any]


@dataclass(slots=True)
class PlanRow:
    """One row; `worker` is empty for a step of the plan that no worker has taken yet."""

    id: str
    title: str
    status: str = "pending"
    details: str = ""
    output: str = ""
    worker: str = ""

    def chunk(self) -> Chunk:
        """The row as Slack takes it. What changes goes into the title: Slack replaces title and status of a
        row, and adds a later `details` or `output` to what is there (openclaw/openclaw#125168)."""
        title, output = one_plain_line(self.title), one_plain_line(self.output)
        now = f"{one_line(title, 100)} · {one_plain_line(self.details)}" if self.details else title
        said = {"output": one_line(output, FIELD_LIMIT)} if output else {}
        shown = one_line(now, FIELD_LIMIT) or "…"
        return {"type": "task_update", "id": self.id, "status": self.status, "title": shown, **said}

    def card(self) -> Chunk:
        """The row as it stands in a block: texts are rich there (docs.slack.dev, task card block)."""
        row = self.chunk()
        card = {"type": "task_card", "task_id": row["id"], "title": row["title"], "status": row["status"]}
        if said := row.get("output"):
            words = [{"type": "text", "text": said}]
            section = {"type": "rich_text_section", "elements": words}
            card["output"] = {"type": "rich_text", "elements": [section]}
        return card


class Plan:
    """The rows of one task, built from its events."""

    def __init__(self) -> None:
        self.title = "Working on it"
        self.rows: list[PlanRow] = []
        self._notice = ""
        self._quiet = 0.0
        self._numbered = 0

    def apply(self, event: Event) -> bool:
        """Work an event in; answers whether there is anything new to see."""
        match event:
            case PlanChanged(steps):
                self._plan(steps)
            case WorkerStarted(worker, title):
                self._start(worker, title)
            case WorkerStep(worker, text):
                self._row(worker).details = text
            case WorkerEnded(worker, status, summary):
                row = self._row(worker)
                row.status, row.output = _STATUS_OF_REPORT.get(status, "error"), summary
                row.details = "" if status == "done" else status
            case Notice(text):
                self._notice = text
            case _:
                return False
        self._quiet = 0.0
        self.title = self._notice or self._progress()
        return True

    def beat(self, seconds: float) -> None:
        """Nothing new for so many more seconds: the title says that it still goes on."""
        self._quiet += seconds
        minutes = max(1, round(self._quiet / 60))
        self.title = f"{self._notice or self._progress()} · {minutes} min since the last step"

    def pause(self) -> None:
        """Nothing goes on until somebody answers, and no row looks as if it did."""
        self.title = "Waiting for an answer"
        for row in self.rows:
            if row.status == "in_progress":
                row.status = "pending"

    def close(self, title: str, *, answered: bool) -> None:
        """The last state: no row is left looking as if somebody worked on it."""
        self.title = title
        for row in self.rows:
            if row.status in ("pending", "in_progress"):
                row.status = "complete" if answered and not row.worker else "error"
                row.details = "" if answered else "stopped"

    def chunks(self) -> list[Chunk]:
        """The whole plan, for a stream that begins."""
        title = {"type": "plan_update", "title": one_line(one_plain_line(self.title), FIELD_LIMIT) or "…"}
        return [title, *(row.chunk() for row in self.rows)]

    def blocks(self) -> list[Chunk]:
        """The whole plan as a block, for a message that is not streamed; nothing where it has no rows."""
        if not self.rows:
            return []
        title = one_line(one_plain_line(self.title), FIELD_LIMIT) or "…"
        return [{"type": "plan", "title": title, "tasks": [row.card() for row in self.rows]}]

    def as_text(self) -> str:
        """The plan as plain lines, for places without streams."""
        lines = [one_plain_line(self.title)]
        for row in self.rows:
            now = row.output if row.status in ("complete", "error") else row.details
            said = f": {one_line(one_plain_line(now), 150)}" if now else ""
            lines.append(f"{_MARK[row.status]} {one_plain_line(row.title)}{said}")
        return "\n".join(lines)

    def _plan(self, steps: Sequence[Any]) -> None:
        taken = [row for row in self.rows if row.worker]
        free = [step for step in steps if not any(_likeness(step.text, row.title) >= 0.5 for row in taken)]
        left = [row for row in self.rows if not row.worker]
        same = [_taken(left, step.text) for step in free]
        # Slack can't take a row away: an old one's place goes to a new step, or says that it was dropped.
        places = chain((row.id for row in list(left)), (f"s{number}" for number in count(self._numbered)))
        fresh = [
            PlanRow(row.id if row else next(places), step.text, step.status)
            for row, step in zip(same, free, strict=True)
        ]
        self._numbered += len(fresh)
        used = {row.id for row in fresh}
        dropped = [_dropped(row) for row in left if row.id not in used]
        self.rows = [*taken, *fresh, *dropped]

    def _start(self, worker: str, title: str) -> None:
        self._notice = ""
        row = self._known(worker) or self._step_for(title)
        if row is None:
            row = PlanRow(worker, title)
            self.rows.append(row)
        row.worker, row.title, row.status = worker, title, "in_progress"

    def _step_for(self, title: str) -> PlanRow | None:
        """The step of the plan that a worker's title speaks of, else the first that is free."""
        free = [row for row in self.rows if not row.worker and row.status in ("pending", "in_progress")]
        best = max(free, key=lambda row: _likeness(row.title, title), default=None)
        return best if best is None or _likeness(best.title, title) >= 0.5 else free[0]

    def _known(self, worker: str) -> PlanRow | None:
        return next((row for row in self.rows if row.worker == worker), None)

    def _row(self, worker: str) -> PlanRow:
        if (row := self._known(worker)) is None:
            self._start(worker, worker)
            return self._row(worker)
        return row

    def _progress(self) -> str:
        working = [row for row in self.rows if row.worker]
        done = sum(row.status in ("complete", "error") for row in working)
        if not working:
            return "Planning"
        if done == len(working):
            return "Putting the answer together"
        return f"{len(working)} {'worker' if len(working) == 1 else 'workers'} at work, {done} done"


def _likeness(one: str, other: str) -> float:
    """The part of the shorter title's words that the other one has too."""
    a, b = set(one.lower().split()), set(other.lower().split())
    return len(a & b) / max(1, min(len(a), len(b)))


def _taken(rows: list[PlanRow], title: str) -> PlanRow | None:
    """The first row of this title, taken out of `rows`."""
    found = next((row for row in rows if row.title == title), None)
    if found is not None:
        rows.remove(found)
    return found


def _dropped(row: PlanRow) -> PlanRow:
    return PlanRow(row.id, f"Dropped: {row.title.removeprefix('Dropped: ')}", "complete")
