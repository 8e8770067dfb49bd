"""Reads the messages of a thread from before the task's request."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import structlog

from bot.wire.client import SLACK_ERRORS, SlackClient, error_text
from bot.wire.reader import MessageReader
from tasks.message import Message
from tasks.task import Task

log = structlog.get_logger(__name__)

#: The newest messages that are returned, and the pages that are read to find them.
MOST, PAGES = 50, 5


async def read_history(client: SlackClient, reader: MessageReader, task: Task) -> Sequence[Message]:
    """The newest of them, oldest first, without those of apps; none when Slack refuses to list them."""
    found: deque[object] = deque(maxlen=MOST)
    asked = task.message_ts.partition(":")[0]
    channel = task.thread.channel
    try:
        async for message in client.messages(
            "conversations.replies", most_pages=PAGES, channel=channel, ts=task.thread.ts, latest=asked
        ):
            found.append(message)
    except SLACK_ERRORS as fault:
        log.warning("earlier messages of the thread not read", why=error_text(fault))
    return [
        Message(
            thread=task.thread, ts=read.ts, user=read.author, user_name=read.author_name,
            text="\n".join(filter(None, [read.text, read.quotes])), files=read.files,
        )
        for read in await reader.read(task.thread.team, found)
        if not read.by_app and float(read.ts) < float(asked)
    ]  # fmt: skip
