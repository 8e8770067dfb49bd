"""A question that is not open any more: its message keeps the text and loses the buttons.

`bot.controls` does this for a click; here it is done for a written answer, a stop and an expiry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.thread import texts
from bot.thread.answer import ASKED
from bot.thread.blocks import APPROVE, Block, context_block
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text
from bot.wire.text import escape, one_plain_line
from tasks.store.tasks import TaskStore
from tasks.task import State, Task
from text.excerpt import one_line

log = structlog.get_logger(__name__)

#: Characters of a written answer that are quoted below the question.
_QUOTED = 200


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question whose message still shows that it is open."""

    ts: str
    answer: str
    """The written answer in mrkdwn, with who wrote it; empty when there is none."""


async def find_open(store: TaskStore, task: Task) -> OpenQuestion | None:
    """The task's newest question, if this run is the first since it and no click has closed it. To be called
    before the agents read their messages."""
    if task.attempt < 2:
        return None
    posts = await store.outbox.posts(task.id)
    numbers = [int(key.partition(":")[2]) for key in posts if key.startswith(f"{ASKED}:")]
    answers = await store.unread(task.id, asked=task.asked)
    is_clicked = any(":" in item.id for item in answers)
    if not numbers or is_clicked or not (answers or task.state.is_ending):
        return None
    first = answers[0] if answers else None
    quoted = escape(one_line(one_plain_line(first.text), _QUOTED)) if first else ""
    answer = texts.answered(escape(first.user_name), quoted) if first else ""
    ts = posts[f"{ASKED}:{max(numbers)}"]
    return OpenQuestion(ts, answer) if ts else None


def settled(blocks: Sequence[Block], words: str) -> list[Block]:
    """The blocks of a question once it is settled; `words` (mrkdwn) say how."""
    kept = [block for block in blocks if block.get("type") not in ("actions", "context")]
    return [*kept, context_block(words)]


def is_open(blocks: Sequence[Block]) -> bool:
    """Whether no block says yet how the question was settled."""
    hints = (element.get("text") for block in blocks for element in block.get("elements") or ())
    return any(block.get("type") == "actions" for block in blocks) or texts.ANSWER_HERE in hints


async def close(client: SlackClient, task: Task, question: OpenQuestion) -> None:
    """Replace the buttons by what became of the question. Slack's refusal is logged only."""
    place = {"channel": task.thread.channel, "ts": question.ts}
    try:
        asked = await client.message(task.thread.channel, task.thread.ts, question.ts) or {}
        if is_open(blocks := asked.get("blocks") or ()):
            closed = settled(blocks, _how_it_ended(task, question, blocks))
            edit = {**place, "text": asked.get("text") or "", "blocks": closed}
            await client.api_call("chat.update", json=edit)
    except SLACK_ERRORS as fault:
        log.info("question not closed", why=error_text(fault))


def _how_it_ended(task: Task, question: OpenQuestion, blocks: Sequence[Block]) -> str:
    if any(element.get("action_id") == APPROVE for b in blocks for element in b.get("elements") or ()):
        return texts.NOT_APPROVED
    if task.state is State.STOPPING:
        return texts.STOPPED_BEFORE_ANSWER
    return texts.NOT_ANSWERED if task.state is State.EXPIRING else question.answer
