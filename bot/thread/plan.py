"""The plan of a running task: a title, and a row per worker with its current step.

Takes the agents' events and returns chunks for Slack's stream, blocks, or plain text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from agents.events import Event, Notice, PlanChanged, WorkerEnded, WorkerStarted, WorkerStep
from bot.thread import texts
from bot.wire.text import one_plain_line
from text.excerpt import one_line

#: Characters of a title, of details and of an output in a stream's chunks (docs.slack.dev, chat.startStream).
FIELD_LIMIT = 256
_STATUS_OF_REPORT = {"done": "complete", "partial": "complete", "blocked": "error", "failed": "error"}
_MARK = {"pending": "○", "in_progress": "◐", "complete": "●", "error": "✕"}

Chunk = dict[str, Any]


@dataclass(slots=True)
class PlanRow:
    """One row; `worker` is empty for a step that no worker has taken yet."""

    id: str
    title: str
    status: str = "pending"
    details: str = ""
    output: str = ""
    worker: str = ""

    def chunk(self) -> Chunk:
        """The row as a stream takes it. The current step goes into the title: Slack replaces the title and
        status of a row, but appends a later `details` or `output` (openclaw/openclaw#125168)."""
        title, output = one_plain_line(self.title), one_plain_line(self.output)
        now = f"{one_line(title, 100)} · {one_plain_line(self.details)}" if self.details else title
        result = {"output": one_line(output, FIELD_LIMIT)} if output else {}
        shown = one_line(now, FIELD_LIMIT) or "…"
        return {"type": "task_update", "id": self.id, "status": self.status, "title": shown, **result}

    def card(self) -> Chunk:
        """The row as a block, whose texts are rich text (docs.slack.dev, task card block)."""
        row = self.chunk()
        card = {"type": "task_card", "task_id": row["id"], "title": row["title"], "status": row["status"]}
        if output := row.get("output"):
            words = [{"type": "text", "text": output}]
            section = {"type": "rich_text_section", "elements": words}
            card["output"] = {"type": "rich_text", "elements": [section]}
        return card


class Plan:
    """The rows of one task, built from its events."""

    def __init__(self) -> None:
        self.title = texts.WORKING
        self.rows: list[PlanRow] = []
        self._notice = ""
        self._quiet = 0.0
        self._numbered = 0

    def apply(self, event: Event) -> bool:
        """Change the plan by an event; answers whether there is anything new to see."""
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
        self.title = self._notice or self._summary()
        return True

    def note_silence(self, seconds: float) -> None:
        """Have the title show that no event came for so many more seconds."""
        self._quiet += seconds
        self.title = self._with_silence(self._notice or self._summary())

    def pause(self) -> None:
        """Show that the work waits for a person: no row is left in progress."""
        self.title = texts.WAITING_FOR_ANSWER
        for row in self.rows:
            if row.status == "in_progress":
                row.status = "pending"

    @property
    def failed_rows(self) -> int:
        return sum(bool(row.worker) and row.status == "error" for row in self.rows)

    def close(self, title: str, *, answered: bool) -> None:
        """Show the last state: no row is left in progress."""
        self.title = title
        for row in self.rows:
            if row.status in ("pending", "in_progress"):
                row.status = "complete" if answered and not row.worker else "error"
                row.details = "" if answered else texts.STOPPED_ROW

    def chunks(self) -> list[Chunk]:
        """The whole plan, for a stream that starts."""
        title = {"type": "plan_update", "title": one_line(one_plain_line(self.title), FIELD_LIMIT) or "…"}
        return [title, *(row.chunk() for row in self.rows)]

    def blocks(self) -> list[Chunk]:
        """The whole plan as a block, for a message that is not streamed; empty without rows."""
        if not self.rows:
            return []
        title = one_line(one_plain_line(self.title), FIELD_LIMIT) or "…"
        return [{"type": "plan", "title": title, "tasks": [row.card() for row in self.rows]}]

    @property
    def is_short(self) -> bool:
        """Whether one line says it all: there is one worker at most."""
        return len(self.rows) < 2

    def as_line(self) -> str:
        """What is going on, in one line of plain text."""
        row = next((row for row in self.rows if row.status == "in_progress"), None)
        doing = " · ".join(filter(None, [row.title, row.details])) if row else self._summary()
        return one_line(one_plain_line(self._with_silence(self._notice or doing)), FIELD_LIMIT) or "…"

    def as_text(self) -> str:
        """The plan as plain lines, for places without streams."""
        lines = [one_plain_line(self.title)]
        for row in self.rows:
            now = row.output if row.status in ("complete", "error") else row.details
            detail = f": {one_line(one_plain_line(now), 150)}" if now else ""
            lines.append(f"{_MARK[row.status]} {one_plain_line(row.title)}{detail}")
        return "\n".join(lines)

    def _plan(self, steps: Sequence[Any]) -> None:
        taken = [row for row in self.rows if row.worker]
        free = [step for step in steps if not any(_likeness(step.text, row.title) >= 0.5 for row in taken)]
        left = [row for row in self.rows if not row.worker]
        same = [_pop_row(left, step.text) for step in free]
        # Slack can't delete a row: a new step replaces an old one, or the old one says that it was dropped.
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
        """The step that a worker's title resembles, else the first free one."""
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

    def _with_silence(self, title: str) -> str:
        return texts.since_last_step(title, max(1, round(self._quiet / 60))) if self._quiet else title

    def _summary(self) -> str:
        working = [row for row in self.rows if row.worker]
        done = sum(row.status in ("complete", "error") for row in working)
        if not working:
            return texts.PLANNING
        if done == len(working):
            return texts.WRITING_ANSWER
        return texts.WORKING if len(working) == 1 else texts.workers_done(done, len(working))


def _likeness(one: str, other: str) -> float:
    """The share of the shorter title's words that the other one has too."""
    a, b = set(one.lower().split()), set(other.lower().split())
    return len(a & b) / max(1, min(len(a), len(b)))


def _pop_row(rows: list[PlanRow], title: str) -> PlanRow | None:
    """The first row of this title, taken out of `rows`."""
    found = next((row for row in rows if row.title == title), None)
    if found is not None:
        rows.remove(found)
    return found


def _dropped(row: PlanRow) -> PlanRow:
    if row.status == "complete" and row.title.startswith(texts.dropped("")):
        return row
    return PlanRow(row.id, texts.dropped(row.title), "complete")
