"""A question that is not open any more: its message keeps the words and loses the buttons.

What a click puts there is `bot.controls`' own; here is every other end. Never decides what an answer is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from bot.thread.answer import ANSWER_HERE, APPROVE, ASKED, Block, context_block
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text
from tasks.store.tasks import TaskStore
from tasks.task import State, Task

log = structlog.get_logger(__name__)

_HINTS = {State.STOPPING: "Not answered: it was stopped.", State.EXPIRING: "Nobody answered in time."}
_WORDS = "Answered below."
#: A reply may have said yes, and who wrote it must not take it for one.
_DENIED = "Not allowed: a reply in place of a press counts as no."


async def find_open(store: TaskStore, task: Task) -> str:
    """The `ts` of the task's newest question, if this run is the first since and no click has closed it; else
    empty. To be asked before the agents read their messages."""
    if task.attempt < 2:
        return ""
    posts = await store.outbox.posts(task.id)
    numbers = [int(key.partition(":")[2]) for key in posts if key.startswith(f"{ASKED}:")]
    came = await store.unread(task.id, asked=task.asked)
    clicked = any(":" in item.id for item in came)
    if not numbers or clicked or not (came or task.state.is_ending):
        return ""
    return posts[f"{ASKED}:{max(numbers)}"] or ""


def closed(blocks: Sequence[Block], words: str) -> list[Block]:
    """The blocks of a question once it is settled; `words` are mrkdwn that says how."""
    kept = [block for block in blocks if block.get("type") not in ("actions", "context")]
    return [*kept, context_block(words)]


def is_open(blocks: Sequence[Block]) -> bool:
    """Whether nothing says yet how the question was settled."""
    hints = (element.get("text") for block in blocks for element in block.get("elements") or ())
    return any(block.get("type") == "actions" for block in blocks) or ANSWER_HERE in hints


def _actions(blocks: Sequence[Block]) -> set[str]:
    return {str(element.get("action_id")) for block in blocks for element in block.get("elements") or ()}


async def close(client: SlackClient, task: Task, ts: str) -> None:
    """Take the buttons away. A failure costs a person a click that is told to be late."""
    place = {"channel": task.thread.channel, "ts": ts}
    try:
        page = await client.conversations_replies(
            channel=task.thread.channel, ts=task.thread.ts, oldest=ts, latest=ts, inclusive=True
        )
        asked: dict[str, Any] = next((m for m in page.get("messages") or () if m.get("ts") == ts), {})
        if is_open(blocks := asked.get("blocks") or ()):
            answered = _DENIED if APPROVE in _actions(blocks) else _WORDS
            settled = closed(blocks, _HINTS.get(task.state, answered))
            edit = {**place, "text": asked.get("text") or "", "blocks": settled}
            await client.api_call("chat.update", json=edit)
    except SLACK_ERRORS as fault:
        log.info("question not closed", why=error_text(fault))
