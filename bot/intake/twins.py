"""The deliveries of one message add to each other.

Slack delivers a mention as `app_mention` and as `message`, in either order, and the first one often without
its files. A preview of a link comes later still, as a change of the message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from bot.wire.content import content_of
from bot.wire.events import SlackMessage
from tasks.engine import TaskEngine
from tasks.message import FileRef, Message
from tasks.store.edits import Edits

log = structlog.get_logger(__name__)

#: What the agents read above what came too late for the message itself.
_LATE_FILES = "(These files belong to my last message.)"
_LATE_QUOTES = "(This belongs to my last message.)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Joins what belongs to one message."""

    engine: TaskEngine
    clients: Clients
    edits: Edits

    async def completed(self, message: SlackMessage) -> SlackMessage:
        """The message with all its content, read once from Slack; as it is when Slack can't be asked."""
        thread, ts = message.thread, message.ts
        try:
            client = await self.clients.of(thread.team)
            page = await client.conversations_replies(
                channel=thread.channel, ts=thread.ts, oldest=ts, latest=ts, inclusive=True, limit=2
            )
        except SLACK_ERRORS as fault:
            log.info("message not read again", ts=message.ts, why=error_text(fault))
            return message
        found = [
            raw for raw in page.get("messages") or () if isinstance(raw, dict) and raw.get("ts") == message.ts
        ]
        return replace(message, content=content_of(found[0])) if found else message

    async def add_files(self, message: Message) -> None:
        """Add the files that an earlier delivery of an accepted message did not bring."""
        if message.files and (late := await self.edits.add_files(message)):
            await self._add_late(message, "files", _LATE_FILES, late)

    async def add_quotes(self, message: Message, quotes: str) -> None:
        """Add what Slack shows below a message that the agents have read already."""
        digest = hashlib.sha256(quotes.encode()).hexdigest()[:8]
        await self._add_late(message, f"quotes-{digest}", f"{_LATE_QUOTES}\n{quotes}", ())

    async def _add_late(self, message: Message, what: str, text: str, files: Sequence[FileRef]) -> None:
        """As a message of its own to the thread's task; the colon keeps it apart from messages of Slack."""
        late = replace(message, ts=f"{message.ts}:{what}", text=text, files=tuple(files))
        accepted = await self.engine.accept(late)
        log.info("added to a message", ts=message.ts, what=what, kind=accepted.kind.value)
