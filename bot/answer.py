"""The messages in which a task's end is told: answer, question, failure, what a stop left.

Pure: an outcome in, the content of posts out. Never calls Slack.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.text import escape, inert, parts
from tasks.task import State, Task
from tasks.thread import Delivery

Block = dict[str, Any]
FEEDBACK = "handoff_feedback"
ANSWER = "handoff_answer"
STOP = "handoff_stop"


@dataclass(frozen=True, slots=True)
class Content:
    """One message: Markdown blocks, and the plain text for notifications."""

    key: str
    text: str
    blocks: list[Block]


def contents(task: Task, delivery: Delivery) -> list[Content]:
    """The messages of a delivery, in order. Keys are stable, so a repeated delivery is recognised."""
    if delivery.outcome.state is State.WAITING:
        return [_question(task, delivery)]
    spoken = parts(inert(_words(delivery)))
    last = len(spoken) - 1
    return [
        Content(
            key=f"end:{number}",
            text=escape(part[:3000]),
            blocks=[_markdown(part), *(_footer(task, delivery) if number == last else ())],
        )
        for number, part in enumerate(spoken)
    ]


def _words(delivery: Delivery) -> str:
    outcome = delivery.outcome
    match outcome.state:
        case State.STOPPED:
            return f"**Stopped:** {outcome.reason}.\n\n{outcome.text}"
        case State.FAILED:
            return "\n\n".join(filter(None, [outcome.text, f":warning: {outcome.reason}"]))
    return "\n\n".join(filter(None, [outcome.text, outcome.reason and f"_{outcome.reason}_"]))


def _question(task: Task, delivery: Delivery) -> Content:
    question = inert(delivery.outcome.text)
    blocks = [_markdown(question)]
    buttons = [
        _button(option, f"{ANSWER}:{number}", {"task": task.id, "attempt": task.attempt, "option": option})
        for number, option in enumerate(delivery.outcome.options)
    ]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    blocks.append(_context("Choose one, or answer here in the thread."))
    return Content(key=f"ask:{task.attempt}", text=escape(question[:3000]), blocks=blocks)


def _footer(task: Task, delivery: Delivery) -> Iterator[Block]:
    yield _context(spent(delivery))
    if delivery.outcome.state is State.ANSWERED:
        yield _feedback(task.id)


def spent(delivery: Delivery) -> str:
    """What the task took, in one line."""
    workers = f"{delivery.workers} worker{'' if delivery.workers == 1 else 's'}"
    return " · ".join([workers, _duration(delivery.seconds), f"{delivery.tokens:,} tokens"])


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _markdown(text: str) -> Block:
    return {"type": "markdown", "text": text}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _button(text: str, action: str, value: dict[str, Any]) -> Block:
    # A button's text holds 75 characters and its value 2,000 (docs.slack.dev, button element).
    label = {"type": "plain_text", "text": text[:75] or "…", "emoji": False}
    return {"type": "button", "text": label, "action_id": action, "value": json.dumps(value)[:2000]}


def _feedback(task: str) -> Block:
    def verdict(text: str, word: str) -> Block:
        return {"text": {"type": "plain_text", "text": text}, "value": f"{word}:{task}"}

    buttons = {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": verdict("Good answer", "good"),
        "negative_button": verdict("Bad answer", "bad"),
    }
    return {"type": "context_actions", "elements": [buttons]}
