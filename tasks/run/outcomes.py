"""A task's outcome: from the agents' result, in the task's log, and without an answer."""

from __future__ import annotations

from agents.loop import LoopResult
from tasks.store.log import TaskLog
from tasks.task import Outcome, State

#: The kind of the log entry, in the orchestrator's stream.
_OUTCOME = "outcome"
_CANT_SEE = "The model {model} can't see pictures, so it answered without looking at them."


def failed(journal: TaskLog, reason: str) -> Outcome:
    return Outcome(state=State.FAILED, text=progress_summary(journal), reason=reason)


def logged_outcome(journal: TaskLog) -> Outcome | None:
    """The end that an earlier run logged, and may not have delivered."""
    for entry in journal.entries:
        if entry.kind == _OUTCOME:
            body = entry.body
            return Outcome(state=State(body["state"]), text=body["text"], reason=body["reason"])
    return None


async def log_outcome(journal: TaskLog, outcome: Outcome) -> Outcome:
    body = {"state": outcome.state.value, "text": outcome.text, "reason": outcome.reason}
    await journal.append(_OUTCOME, body)
    return outcome


def to_outcome(result: LoopResult, journal: TaskLog) -> Outcome:
    if result.text:
        stopped = f"Stopped early: {result.reason}." if result.reason else ""
        reason = " ".join(filter(None, [stopped, _unseen_pictures(journal)]))
        return Outcome(state=State.ANSWERED, text=result.text, reason=reason)
    return Outcome(state=State.FAILED, reason=f"There is no answer: {result.reason}. You can ask again.")


def _unseen_pictures(journal: TaskLog) -> str:
    """A sentence when the orchestrator's model was not shown pictures because it refuses them."""
    blind = [entry.body["model"] for entry in journal.entries if entry.body.get("blind")]
    return _CANT_SEE.format(model=blind[-1]) if blind else ""


def progress_summary(journal: TaskLog) -> str:
    """Which workers of an unfinished task are done, from its log alone."""
    named = {e.body["worker"]: e.body["title"] for e in journal.agents.get("", ()) if e.kind == "worker"}
    ended = {name for name in named if any(e.kind == "ended" for e in journal.agents.get(name, ()))}
    done = ", ".join(title for name, title in named.items() if name in ended)
    left = ", ".join(title for name, title in named.items() if name not in ended)
    lines = [f"Done: {done}." if done else "", f"Left unfinished: {left}." if left else ""]
    return " ".join(filter(None, lines)) or "No worker had begun."
