"""Decides what a Slack message is to Handoff, and writes it down before Slack is told that it arrived.

Owns the claim: (team, channel, ts) is taken once, so `app_mention` and `message` for one post, retries and
reconnects are one. Never answers in a thread: what follows an ack is for the listeners of `bot.app`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import structlog

from bot.payload import BadPayload, Spoken, spoken
from bot.people import People
from bot.text import mentioned, plain
from tasks.engine import Engine
from tasks.message import Message
from tasks.store import Taken

log = structlog.get_logger(__name__)

_STOP = re.compile(r"!?stop[.!]?", re.IGNORECASE)


class Sign(StrEnum):
    """What the writer of a message is shown at once."""

    NONE = "none"
    SEEN = "seen"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Received:
    """What became of one delivery."""

    sign: Sign
    message: Spoken | None = None


class Intake:
    """The way in for messages."""

    def __init__(self, engine: Engine, people: People) -> None:
        self._engine = engine
        self._people = people

    async def receive(self, body: object, bot_user: str) -> Received:
        """Take one event in. Raises only when the message could not be written down: then Slack must not be
        acked, so that it sends the message again."""
        try:
            message = spoken(body)
        except BadPayload as problem:
            log.warning("payload not understood, acked and dropped", problem=str(problem))
            return Received(Sign.NONE)
        if message is None or message.by_bot or message.user == bot_user:
            return Received(Sign.NONE)
        if not await self._is_for_us(message, bot_user):
            return Received(Sign.NONE)
        for person in [message.user, *mentioned(message.text)][:5]:
            if person != bot_user:
                await self._people.name(person)
        text = plain(message.text, bot_user, self._people.known)
        if _STOP.fullmatch(text) and await self._stopped(message):
            return Received(Sign.NONE, message)
        if not text and not message.files:
            return await self._help(message)
        accepted = await self._engine.accept(self._message(message, text))
        repeated = accepted.taken is Taken.REPEATED
        return Received(Sign.NONE if repeated else Sign.SEEN, message)

    async def _is_for_us(self, message: Spoken, bot_user: str) -> bool:
        """A mention, a direct message, or a reply where the bot takes part and nobody else is addressed."""
        if message.is_direct or bot_user in mentioned(message.text):
            return True
        if not message.is_reply or mentioned(message.text):
            return False
        return await self._engine.current(message.thread) is not None

    async def _stopped(self, message: Spoken) -> bool:
        current = await self._engine.current(message.thread)
        if current is None or current.state.is_over:
            return False
        return await self._engine.stop(current.id, f"{self._people.known(message.user)} stopped it")

    async def _help(self, message: Spoken) -> Received:
        is_first = await self._engine.claim(self._message(message, ""))
        return Received(Sign.HELP if is_first else Sign.NONE, message)

    def _message(self, message: Spoken, text: str) -> Message:
        return Message(
            thread=message.thread,
            ts=message.ts,
            user=message.user,
            user_name=self._people.known(message.user),
            text=text,
            files=message.files,
        )
