"""What an orchestrator knows before its first turn: the thread's earlier tasks, the request, when it came.

All that changes from task to task goes here and not into the prompt, which stays the same for the endpoint's
cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from agents.conversation import Reply, Turn, UserTurn
from agents.excerpt import excerpt
from tasks.task import State, Task

#: Characters of one earlier request or answer, and of all of them together.
_ONE, _ALL = 4_000, 40_000


def opening(task: Task, history: Sequence[Task], names: Sequence[str], notes: Sequence[str]) -> list[Turn]:
    """The conversation up to the request. `names` are the files in `/work`, `notes` tell of attachments."""
    turns: list[Turn] = []
    left = _ALL
    for earlier in reversed(history):
        asked, said = excerpt(earlier.request, _ONE), excerpt(_ended(earlier), _ONE)
        left -= len(asked) + len(said)
        if left < 0:
            break
        turns[:0] = [UserTurn(f"{earlier.user_name}: {asked}"), Reply(text=said)]
    return [*turns, UserTurn(_request(task, names, notes))]


def _ended(task: Task) -> str:
    match task.state:
        case State.STOPPED:
            return f"(The task was stopped: {task.reason})"
        case State.FAILED:
            return f"(The task failed: {task.reason})"
    return "\n\n".join(filter(None, [task.answer, task.reason and f"({task.reason})"]))


def _request(task: Task, names: Sequence[str], notes: Sequence[str]) -> str:
    when = datetime.fromtimestamp(task.created_at, UTC).strftime("%A, %Y-%m-%d %H:%M UTC")
    lines = [f"{task.user_name}: {task.request}", "", f"[Asked on {when}.]", *notes]
    if names:
        lines.append(f"[Files in /work: {', '.join(names)}]")
    return "\n".join(lines)
