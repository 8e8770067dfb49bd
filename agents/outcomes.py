"""What became of a task's workers, from the orchestrator's journal."""

from __future__ import annotations

import json
from collections.abc import Sequence

from agents.conversation import Json
from agents.journal import Entry
from agents.report import NO_RESULT

#: Statuses of work that is of use.
GOOD = ("done", "partial")
#: Turns in a row, and workers of one turn, after which no further worker is created when all of them failed.
MOST_TURNS, MOST_AT_ONCE = 3, 4
#: Workers of a turn after one with `MOST_AT_ONCE` failures.
MOST_AGAIN = 2
_HAND_BACK = "The model wrote no answer. This is what the workers reported:"


def this_turn(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The entries since the newest reply. Some endpoints reuse the ids of calls in later turns."""
    start = next((n for n in range(len(entries) - 1, -1, -1) if entries[n].kind == "reply"), 0)
    return entries[start:]


def last_failed(entries: Sequence[Entry]) -> bool:
    """Whether the newest worker of the earlier turns failed, so that one of this turn is the retry."""
    ended = _statuses(entries[: len(entries) - len(this_turn(entries))])
    return bool(ended) and ended[-1] not in GOOD


def too_many_failures(entries: Sequence[Entry], worker: str) -> bool:
    """Whether so many workers have failed, and none between them was of use, that `worker` would be a waste.

    After many failures in one turn, two workers of the next turn may try again. The count begins at zero
    again when a person writes.
    """
    newest = this_turn(entries)
    now = _statuses(newest)
    if any(status in GOOD for status in now) or any(map(_is_from_person, newest)):
        return False
    if len(now) >= MOST_AT_ONCE:
        return True
    turns = _failed_turns(entries[: len(entries) - len(newest)])
    started = [entry.body["worker"] for entry in newest if entry.kind == "worker"]
    is_many = any(len(turn) >= MOST_AT_ONCE for turn in turns)
    return len(turns) >= MOST_TURNS or (is_many and started.index(worker) >= MOST_AGAIN)


def _failed_turns(entries: Sequence[Entry]) -> Sequence[Sequence[str]]:
    """The statuses of the newest turns whose workers all failed, since a person wrote."""
    turns: list[list[str]] = []
    turn: list[str] = []
    for entry in reversed(entries):
        if _is_from_person(entry):
            break
        turn += _statuses([entry])
        if entry.kind == "reply" and turn:
            if any(status in GOOD for status in turn):
                break
            turns.append(turn)
            turn = []
    return turns


def as_answer(entries: Sequence[Entry]) -> str:
    """An answer made of the workers' reports, for a task whose orchestrator gave none; "" where none says
    anything."""
    ended = [(_worker(entry), json.loads(entry.body["text"])) for entry in entries if _worker(entry)]
    reports = [_report(w["title"], report) for w, report in ended if report.get("summary") != NO_RESULT]
    return "\n\n".join([_HAND_BACK, *reports]) if reports else ""


def _report(title: str, report: Json) -> str:
    parts = [report.get("summary", ""), report.get("open_points", "")]
    return "\n".join([f"**{title}** ({report['status']})", *filter(None, parts)])


def _statuses(entries: Sequence[Entry]) -> list[str]:
    return [str(worker["status"]) for entry in entries if (worker := _worker(entry))]


def _worker(entry: Entry) -> Json:
    """What the entry says of a worker that ended; empty for other entries."""
    found: Json = entry.body.get("facts", {}).get("worker", {}) if entry.kind == "result" else {}
    return found


def _is_from_person(entry: Entry) -> bool:
    return "inbox" in entry.body or "inbox" in entry.body.get("facts", ())
