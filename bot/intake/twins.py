"""The deliveries of one message add to each other.

Slack delivers a mention as `app_mention` and as `message`, in either order, and the first one often without
its files. A preview of a link comes later still, as a change of the message.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import structlog

from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from bot.wire.content import content_of
from bot.wire.events import SlackMessage
from tasks.engine import TaskEngine
from tasks.message import Message
from tasks.store.edits import Edits
from tasks.store.tasks import AcceptedAs

log = structlog.get_logger(__name__)

#: What the agents read above what came too late for the message itself.
_LATE_FILES = "(These files belong to an earlier message of mine.)"
_LATE_QUOTES = "(This belongs to an earlier message of mine.)"


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
            found = await client.message(thread.channel, thread.ts, ts)
        except SLACK_ERRORS as fault:
            log.info("message not read again", ts=ts, why=error_text(fault))
            return message
        return replace(message, content=content_of(found)) if found else message

    async def add_files(self, message: Message) -> bool:
        """Add the files that an earlier delivery of an accepted message did not bring. Returns whether its
        task is over, so that the thread's next task reads them."""
        late = await self.edits.add_files(message) if message.files else ()
        what = f"files-{_digest(*(file.id for file in late))}"
        return bool(late) and await self._add(message.addition(what, _LATE_FILES, late))

    async def add_quotes(self, message: Message, quotes: str) -> None:
        """Add what Slack shows below a message that the agents have read already."""
        await self._add(message.addition(f"quotes-{_digest(quotes)}", f"{_LATE_QUOTES}\n{quotes}"))

    async def _add(self, addition: Message) -> bool:
        kind = (await self.engine.accept(addition)).kind
        log.info("added to a message", ts=addition.ts, kind=kind.value)
        return kind is AcceptedAs.KEPT


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
