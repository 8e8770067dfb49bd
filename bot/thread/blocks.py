"""Slack's blocks as this room uses them, and the ids of its buttons (docs.slack.dev/reference/block-kit)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bot.thread import texts
from tasks.task import Task

Block = dict[str, Any]

#: The type of a block that shows a picture.
PICTURE = "image"

#: Action ids. Answers carry the number of their option too.
FEEDBACK, ANSWER, STOP = "handoff_feedback", "handoff_answer", "handoff_stop"
SOURCES = "handoff_sources"
APPROVE, DENY = "handoff_approve", "handoff_deny"
KEEP, DISCARD = "handoff_keep_note", "handoff_discard_note"


def markdown_block(text: str) -> Block:
    return {"type": "markdown", "text": text}


def section_block(text: str) -> Block:
    """Slack takes 3,000 characters of mrkdwn."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def actions_block(*elements: Block) -> Block:
    """Buttons in a row."""
    return {"type": "actions", "elements": [*elements]}


def context_block(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def picture_block(file: str, name: str) -> Block:
    """An uploaded picture; `file` is its id in Slack."""
    title = {"type": "plain_text", "text": name[:2000], "emoji": False}
    return {"type": PICTURE, "slack_file": {"id": file}, "alt_text": name[:2000], "title": title}


def button(text: str, action: str, value: dict[str, Any] | str, **style: Any) -> Block:
    """A button's text holds 75 characters and its value 2,000 (docs.slack.dev, button element)."""
    words = text if len(text) <= 75 else text[:74] + "…"
    label = {"type": "plain_text", "text": words.strip() or "…", "emoji": False}
    carried = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {"type": "button", "text": label, "action_id": action, "value": carried, **style}


def decision_buttons(task: Task, approval: str) -> list[Block]:
    value = {"task": task.id, "approval": approval}
    return [
        button(texts.APPROVE, APPROVE, value, style="primary"),
        button(texts.DENY, DENY, value, style="danger"),
    ]


def option_buttons(task: Task, options: Sequence[str]) -> list[Block]:
    return [
        button(option, f"{ANSWER}:{n}", {"task": task.id, "attempt": task.attempt, "option": option[:1500]})
        for n, option in enumerate(options)
    ]


def rating_buttons(task: str) -> Block:
    def rating(text: str, verdict: str) -> Block:
        return {"text": {"type": "plain_text", "text": text}, "value": f"{verdict}:{task}"}

    buttons = {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": rating(texts.GOOD_ANSWER, "good"),
        "negative_button": rating(texts.BAD_ANSWER, "bad"),
    }
    return {"type": "context_actions", "elements": [buttons]}


def with_stop_button(blocks: list[Block], text: str, task: Task) -> list[Block]:
    """The blocks, or the text where there are none, with a Stop button below."""
    stop = button(texts.STOP, STOP, task.id, style="danger")
    return [*(blocks or [section_block(text[:3000])]), actions_block(stop)]
