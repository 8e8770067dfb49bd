"""Reads the messages of a thread from before the task's request."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import structlog

from bot.wire.client import SLACK_ERRORS, SlackClient, error_text
from bot.wire.events import MalformedPayload, parse_message
from bot.wire.users import UserDirectory
from tasks.message import Message
from tasks.task import Task

log = structlog.get_logger(__name__)

#: The newest messages that are returned, and the pages that are read to find them.
MOST, PAGES = 50, 5


async def read_history(client: SlackClient, people: UserDirectory, task: Task) -> Sequence[Message]:
    """The newest of them, oldest first, without those of apps; none when Slack refuses to list them."""
    found: deque[Message] = deque(maxlen=MOST)
    asked = task.message_ts.partition(":")[0]
    channel = task.thread.channel
    try:
        async for message in client.messages(
            "conversations.replies", most_pages=PAGES, channel=channel, ts=task.thread.ts, latest=asked
        ):
            event = {**message, "type": "message", "channel": channel}
            if (said := await _said(event, people, task)) is not None and said.ts < asked:
                found.append(said)
    except SLACK_ERRORS as fault:
        log.warning("earlier messages of the thread not read", why=error_text(fault))
    return tuple(found)


async def _said(event: dict[str, object], people: UserDirectory, task: Task) -> Message | None:
    team = task.thread.team
    try:
        said = parse_message({"team_id": team, "event": event})
    except MalformedPayload as problem:
        log.info("earlier message not understood", why=str(problem))
        return None
    if said is None or said.by_bot:
        return None
    return Message(
        thread=task.thread, ts=said.ts, user=said.user, user_name=await people.name(team, said.user),
        text=await people.plain_text(team, said.text), files=said.files,
    )  # fmt: skip
