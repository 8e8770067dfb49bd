"""Decides what a Slack message is to Handoff, and writes it down before Slack is told that it arrived.

Owns the claim: (team, channel, ts) is taken once, so `app_mention` and `message` for one post, retries and
reconnects are one. Never answers in a thread: what follows an ack is for the listeners of `bot.wire.app`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import structlog

from bot.intake.access import AccessPolicy
from bot.intake.notes import NOTE, NoteCommands, Writer
from bot.intake.stopper import TaskStopper
from bot.wire.events import MalformedPayload, MessageChange, SlackMessage, parse_change, parse_message
from bot.wire.text import addresses_a_group, mentioned, plain_text
from bot.wire.users import UserDirectory
from tasks.engine import TaskEngine
from tasks.message import Message
from tasks.store.edits import Edits
from tasks.store.participants import Participants
from tasks.store.preferences import ChannelPreferences, FollowUpMode
from tasks.store.queries import TaskQueries
from tasks.store.tasks import Accepted, AcceptedAs
from tasks.task import State, Task

log = structlog.get_logger(__name__)

_STOP = re.compile(r"!?stop[.!]*", re.IGNORECASE)
_MUTE = re.compile(r"!(un)?mute", re.IGNORECASE)
HINT = (
    "Others write in this thread too, so I answer here when I am mentioned. Ignore this if it was not for me."
)
SEVERAL = "{} tasks of yours go on here. Write `stop` in the thread of one, or `/handoff stop` to choose."
IN_A_THREAD = "`!mute` and `!unmute` are for one thread: write them in it."
LATE = (
    "I had read this already, so your change to it is not known to me. Write in its thread what is different."
)
#: Tasks that apps may start one after the other in a thread before a person has to: two bots that mention
#: each other would go on for ever.
HOPS = 3


class Sign(StrEnum):
    """What the writer of a message is shown at once."""

    NONE = "none"
    SEEN = "seen"
    HELP = "help"
    WHISPER = "whisper"  # `words`, to them alone
    SAID = "said"  # `words`, to all in the thread


@dataclass(frozen=True, slots=True)
class Received:
    """What became of one delivery."""

    sign: Sign
    message: SlackMessage | None = None
    words: str = ""


_NOTHING = Received(Sign.NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """The way in for messages."""

    engine: TaskEngine
    people: UserDirectory
    access: AccessPolicy
    preferences: ChannelPreferences
    stopper: TaskStopper
    edits: Edits
    queries: TaskQueries
    notes: NoteCommands
    participants: Participants

    async def receive(self, body: object, bot_user: str) -> Received:
        """Take one event in. Raises only when the message could not be written down: then Slack must not be
        acked, so that it sends the message again."""
        try:
            message, change = parse_message(body), parse_change(body)
        except MalformedPayload as problem:
            log.warning("payload not understood, acked and dropped", problem=str(problem))
            return _NOTHING
        if change is not None:
            return await self._amend(change, bot_user)
        if message is None or message.user == bot_user:
            return _NOTHING
        if await self._is_for_us(message, bot_user):
            return await self._take(message, bot_user)
        return await self._left_alone(message)

    async def _take(self, message: SlackMessage, bot_user: str) -> Received:
        """A message that is for us: a word of command, a call for help, or work."""
        await self._ask_names(message, bot_user)
        text = self._plain(message, bot_user)
        if _STOP.fullmatch(text):
            return await self._stopped(message)
        if command := _MUTE.fullmatch(text):
            return await self._muted(message, muted=not command[1])
        if refusal := await self.access.refusal(message.thread, message.user):
            return await self._once(message, Received(Sign.WHISPER, message, refusal))
        if NOTE.match(text) and not message.by_bot:
            return await self._noted(message, text)
        if not text and not message.files:
            return await self._once(message, Received(Sign.HELP, message))
        accepted = await self.engine.accept(self._message(message, text))
        if accepted.kind is AcceptedAs.REPEATED:
            return _NOTHING
        return Received(Sign.SEEN, message, in_line(accepted))

    async def _is_for_us(self, message: SlackMessage, bot_user: str) -> bool:
        """A mention, a direct message, or a reply in a thread of ours, if it is clear that it is meant so."""
        named = bot_user in mentioned(message.text)
        if message.by_bot:
            return named and await self._may_hop(message)
        if not message.is_reply:
            return message.is_direct or named
        current = await self.engine.store.current(message.thread)
        if message.is_direct:
            return named or await self._is_meant(message, current)
        if current is not None:
            spoke = {current.user: _second(current.message_ts), message.user: float(message.ts)}
            await self.participants.record(message.thread, spoke)
        return named or (current is not None and await self._is_meant(message, current))

    async def _is_meant(self, message: SlackMessage, current: Task | None) -> bool:
        """Whether a reply without a mention is for us: nobody else is addressed, or there to be."""
        if not message.is_direct and (mentioned(message.text) or addresses_a_group(message.text)):
            return False
        # A word of command is heard in a muted thread too, or nobody could take the mute back.
        word = message.text.strip()
        if _STOP.fullmatch(word) or _MUTE.fullmatch(word) or NOTE.match(word):
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

    async def _left_alone(self, message: SlackMessage) -> Received:
        """Nothing follows; who might expect otherwise is told once in a thread, alone, what to do."""
        addressed = mentioned(message.text) or addresses_a_group(message.text)
        if message.by_bot or not message.is_reply or addressed:
            return _NOTHING
        current = await self.engine.store.current(message.thread)
        if current is None or current.user != message.user:
            return _NOTHING
        if await self.preferences.follow_ups(message.thread) is not FollowUpMode.ON:
            return _NOTHING  # people here have asked for that
        is_first = await self.participants.first_hint(message.thread)
        return Received(Sign.WHISPER, message, HINT) if is_first else _NOTHING

    async def _may_hop(self, message: SlackMessage) -> bool:
        askers = await self.queries.requesters(message.thread, limit=HOPS)
        if len(askers) < HOPS or any(not asker.startswith("B") for asker in askers):
            return True
        log.warning("apps answer each other, not taken", channel=message.thread.channel, app=message.user)
        return False

    async def _stopped(self, message: SlackMessage) -> Received:
        current = await self.engine.store.current(message.thread)
        if not await self.engine.store.claim(self._message(message, "")):
            return _NOTHING
        if current is not None and _second(current.message_ts) > _second(message.ts):
            return _NOTHING  # said before this task was asked for, and delivered late
        if current is None and not message.is_reply:
            words = await self._stop_here(message)
        else:
            words = await self.stopper.stop(current, message.user)
        return Received(Sign.WHISPER, message, words) if words else Received(Sign.NONE, message)

    async def _stop_here(self, message: SlackMessage) -> str:
        """Outside threads a stop is for the writer's task in this place, which has a thread of its own."""
        place = message.thread
        mine = await self.queries.tasks(
            team=place.team, channel=place.channel, user=message.user, open_only=True
        )
        asked = [task for task in mine if _second(task.message_ts) < _second(message.ts)]
        chosen = [task for task in asked if task.state is not State.WAITING] or asked
        if len(chosen) > 1:
            return SEVERAL.format(len(chosen))
        return await self.stopper.stop(next(iter(chosen), None), message.user)

    async def _muted(self, message: SlackMessage, *, muted: bool) -> Received:
        if not message.is_reply:
            return await self._once(message, Received(Sign.WHISPER, message, IN_A_THREAD))
        if not await self.engine.store.claim(self._message(message, "")):
            return _NOTHING
        await self.preferences.mute(message.thread, muted=muted)
        words = (
            "Muted: in this thread I answer only when I am mentioned. `!unmute` takes it back."
            if muted
            else "I read along in this thread again."
        )
        return Received(Sign.WHISPER, message, words)

    async def _noted(self, message: SlackMessage, text: str) -> Received:
        if not await self.engine.store.claim(self._message(message, "")):
            return _NOTHING
        writer = Writer(user=message.user, name=self.people.known(message.thread.team, message.user))
        words = await self.notes.answer(message.thread, writer, text)
        return Received(Sign.SAID, message, words)

    async def _amend(self, change: MessageChange, bot_user: str) -> Received:
        """An edit of what nobody has begun is taken, and of one that comes later its writer is told so; what
        was deleted is not done."""
        if change.now is None:
            if task := await self.edits.withdraw(change.thread, change.ts):
                await self.engine.stop(task, "its message was deleted")
            return _NOTHING
        now = change.now
        if now.text == change.before or now.by_bot or now.user == bot_user:
            return _NOTHING
        await self._ask_names(now, bot_user)
        text = self._plain(now, bot_user)
        if not text:
            return _NOTHING
        if await self.edits.change(change.thread, change.ts, text):
            log.info("edit taken", ts=change.ts)
            return _NOTHING
        id_ = await self.edits.claimed_by(change.thread, change.ts)
        if id_ is None:
            newly_named = bot_user in mentioned(now.text) and bot_user not in mentioned(change.before)
            return await self._take(now, bot_user) if newly_named else _NOTHING
        current = await self.engine.store.task(id_)
        is_late = current is not None and not current.state.is_over
        return Received(Sign.WHISPER, now, LATE) if is_late else _NOTHING

    async def _once(self, message: SlackMessage, received: Received) -> Received:
        """Claim a message that needs no task; its twin gets nothing."""
        is_first = await self.engine.store.claim(self._message(message, ""))
        return received if is_first else _NOTHING

    async def _ask_names(self, message: SlackMessage, bot_user: str) -> None:
        """All at the same time, since Slack waits for our ack."""
        people = {message.user, *mentioned(message.text)[:5]} - {bot_user}
        await self.people.ask(message.thread.team, people)

    def _plain(self, message: SlackMessage, bot_user: str) -> str:
        team = message.thread.team
        return plain_text(message.text, bot_user, lambda user: self.people.known(team, user))

    def _message(self, message: SlackMessage, text: str) -> Message:
        name = "an app" if message.by_bot else self.people.known(message.thread.team, message.user)
        return Message(
            thread=message.thread,
            ts=message.ts,
            user=message.user,
            user_name=name,
            text=text,
            files=message.files,
        )


def in_line(accepted: Accepted) -> str:
    """What a person is told whose task has to wait; empty when it does not."""
    before = f"{accepted.ahead} task{'' if accepted.ahead == 1 else 's'}"
    return f"You are in the queue: {before} before yours." if accepted.ahead else ""


def _second(ts: str) -> float:
    """When a message was written. A pressed answer's `ts` is that of its question, marked as such."""
    return float(ts.partition(":")[0])
