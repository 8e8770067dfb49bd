"""Slack events that are acked and not yet handled, kept in the database until they are."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.wire.events import MessageChange, SlackMessage, parse_change, parse_message
from tasks.store.key_value import KeyValueStore
from text.sanitize import sanitize, sanitize_text

_PLACE = "pending event"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingEvent:
    """One event about a message, as it was written down."""

    id: str
    event: SlackMessage | MessageChange
    bot_user: str
    at: float
    """When it came, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class PendingEvents:
    """Reads and writes them."""

    values: KeyValueStore

    async def add(self, body: Any, event: SlackMessage | MessageChange, bot_user: str) -> PendingEvent:
        """Write an event down. `body` is Slack's JSON, of which the deepest nesting is left out; raises the
        database's error."""
        at = time.time()
        id_ = f"{event.thread.team}/{event.thread.channel}/{event.ts}/{body.get('event_id', '')}"[:200]
        row = sanitize(
            {"body": {"team_id": body.get("team_id"), "event": body["event"]}, "bot_user": bot_user}, cut=True
        )
        await self.values.put(_PLACE, sanitize_text(id_), {**row, "at": at})
        return PendingEvent(id=sanitize_text(id_), event=event, bot_user=bot_user, at=at)

    async def remove(self, event: PendingEvent) -> None:
        await self.values.put(_PLACE, event.id, None)

    async def older_than(self, seconds: float) -> Sequence[PendingEvent]:
        """What was written down so long ago and is still not handled, oldest first."""
        rows = await self.values.all(_PLACE)
        found = [_read(id_, row) for id_, row in rows.items() if time.time() - row["at"] >= seconds]
        return sorted(found, key=lambda event: event.at)


def _read(id_: str, row: Mapping[str, Any]) -> PendingEvent:
    event = parse(row["body"])
    if event is None:
        raise ValueError(f"the pending event {id_} is no message")
    return PendingEvent(id=id_, event=event, bot_user=row["bot_user"], at=row["at"])


def parse(body: object) -> SlackMessage | MessageChange | None:
    """The message, the edit or the deletion that a body holds; None for all else. Raises `BadPayload`."""
    return parse_message(body) or parse_change(body)
