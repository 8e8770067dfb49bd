"""Whether a message is meant for the bot. Reads the database only."""

from __future__ import annotations

import re
from dataclasses import dataclass

import structlog

from bot.intake.notes import NOTE
from bot.wire.entities import addresses_a_group, mentioned
from bot.wire.events import SlackMessage
from tasks.engine import TaskEngine
from tasks.store.participants import Participants
from tasks.store.preferences import ChannelPreferences, FollowUpMode
from tasks.store.queries import TaskQueries
from tasks.task import State, Task

log = structlog.get_logger(__name__)

STOP = re.compile(r"!?stop[.!]*", re.IGNORECASE)
MUTE = re.compile(r"!(un)?mute", re.IGNORECASE)
#: Tasks that apps may start one after the other in a thread: two bots that mention each other would go on
#: for ever.
BOT_TASKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressing:
    """Decides it from the mention, the place, the thread's people and the channel's settings."""

    engine: TaskEngine
    preferences: ChannelPreferences
    queries: TaskQueries
    participants: Participants

    async def is_for_us(self, message: SlackMessage, bot_user: str) -> bool:
        """True for a mention, a direct message, and a reply in our thread where no one else takes part."""
        named = bot_user in mentioned(message.text)
        if message.by_bot:
            return named and await self._has_bot_tasks_left(message)
        if not message.is_reply:
            return message.is_direct or named
        current = await self.engine.store.current(message.thread)
        if message.is_direct:
            return named or await self._is_meant(message, current)
        if current is not None:
            spoke = {current.user: second_of(current.message_ts), message.user: float(message.ts)}
            await self.participants.record(message.thread, spoke)
        return named or (current is not None and await self._is_meant(message, current))

    async def needs_hint(self, message: SlackMessage) -> bool:
        """Whether the requester wrote a reply that the bot leaves alone because others write there too. True
        once in a thread."""
        if message.by_bot or not message.is_reply or _addresses_others(message):
            return False
        current = await self.engine.store.current(message.thread)
        if current is None or current.user != message.user:
            return False
        if await self.preferences.follow_ups(message.thread) is not FollowUpMode.ON:
            return False
        return await self.participants.first_hint(message.thread)

    async def _is_meant(self, message: SlackMessage, current: Task | None) -> bool:
        """Whether a reply without a mention is for the bot."""
        if not message.is_direct and _addresses_others(message):
            return False
        # Commands work in a muted thread too; otherwise `!unmute` would not.
        word = message.text.strip()
        if STOP.fullmatch(word) or MUTE.fullmatch(word) or NOTE.match(word):
            return True
        if current is not None and current.state is State.WAITING and message.user == current.user:
            return True  # our question asks for an answer in the thread
        match await self.preferences.follow_ups(message.thread):
            case FollowUpMode.OFF:
                return False
            case FollowUpMode.ALL:
                return True
        if message.is_direct or current is None:
            return message.is_direct
        return not await self.participants.others(current, message.user, float(message.ts))

    async def _has_bot_tasks_left(self, message: SlackMessage) -> bool:
        askers = await self.queries.requesters(message.thread, limit=BOT_TASKS)
        if len(askers) < BOT_TASKS or any(not asker.startswith("B") for asker in askers):
            return True
        log.warning("bots answer each other, ignored", channel=message.thread.channel, app=message.user)
        return False


def second_of(ts: str) -> float:
    """When a message was written. A pressed answer's `ts` is that of its question with a suffix."""
    return float(ts.partition(":")[0])


def _addresses_others(message: SlackMessage) -> bool:
    return bool(mentioned(message.text)) or addresses_a_group(message.text)
