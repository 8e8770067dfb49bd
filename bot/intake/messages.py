"""Handles what people write: tasks, follow-ups, commands, edits. Runs after the ack.

Each message is claimed by (team, channel, ts), so that `app_mention` and `message` for one post, Slack's
retries and a second handling are one.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from bot.intake import texts
from bot.intake.access import AccessPolicy
from bot.intake.addressing import MUTE, STOP, Addressing, second_of
from bot.intake.feedback import Feedback
from bot.intake.notes import NOTE, NoteCommands
from bot.intake.stopper import TaskStopper
from bot.intake.twins import Twins
from bot.tools.action_tokens import ActionTokens
from bot.wire.content import MessageContent
from bot.wire.entities import mentioned, without_mention, without_mentions
from bot.wire.events import MessageChange, SlackMessage
from bot.wire.marks import MessageMarks
from bot.wire.reader import MessageReader
from bot.wire.text import silence_mentions
from tasks.engine import TaskEngine
from tasks.message import Message
from tasks.store.edits import Edits
from tasks.store.preferences import ChannelPreferences
from tasks.store.queries import TaskQueries
from tasks.store.tasks import AcceptedAs
from tasks.task import State

log = structlog.get_logger(__name__)


class PersonUnknown(Exception):
    """Slack does not describe the writer now, and the access rules need it; the message is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageHandler:
    """Decides what a message becomes, and gives its writer feedback."""

    engine: TaskEngine
    reader: MessageReader
    access: AccessPolicy
    addressing: Addressing
    preferences: ChannelPreferences
    stopper: TaskStopper
    edits: Edits
    queries: TaskQueries
    notes: NoteCommands
    feedback: Feedback
    twins: Twins
    tokens: ActionTokens
    marks: MessageMarks
    watched: Callable[[SlackMessage, str], Awaitable[None]]
    """Gets the messages that are not for the bot, with its user id: standing orders may watch for them."""
    signed: Callable[[float], None] = lambda _: None
    """Called with the seconds between a message and its 👀."""

    async def handle(self, event: SlackMessage | MessageChange, bot_user: str) -> None:
        """Raises `PersonUnknown` and the database's errors: the event is then to be handled again."""
        if isinstance(event, MessageChange):
            return await self._edited(event, bot_user)
        message = await self._with_person(event)
        if await self.addressing.is_for_us(message, bot_user):
            await self._addressed(message, bot_user)
        elif await self.addressing.needs_hint(message):
            await self.whisper(message, texts.MENTION_ME)
        else:
            await self.watched(message, bot_user)

    async def whisper(self, message: SlackMessage, text: str) -> None:
        """Show the text to the writer only; apps get none."""
        if text and not message.by_bot:
            thread = message.thread
            root = thread.ts if message.is_reply else None
            await self.feedback.whisper(thread.team, thread.channel, message.user, text, root)

    async def _addressed(self, message: SlackMessage, bot_user: str) -> None:
        """Run a command, refuse, help, or take the message as work."""
        is_bare = not (without_mentions(message.text, bot_user) or message.content.quotes)
        if message.lacks_files or (is_bare and not message.files):
            message = await self.twins.completed(message)
        await self.reader.look_up(message.thread.team, [message.user], [message.content])
        command = without_mentions(message.text, bot_user)
        if STOP.fullmatch(command):
            return await self._stop(message)
        if mute := MUTE.fullmatch(command):
            return await self._mute(message, muted=not mute[1])
        if not await self.access.can_check(message.thread, message.user):
            raise PersonUnknown
        if refusal := await self.access.refusal(message.thread, message.user):
            if await self._claim(message):
                await self.whisper(message, refusal)
        elif NOTE.match(command) and not message.by_bot:
            await self._note(message, self.reader.plain(message.thread.team, command))
        elif (text := self._request(message, bot_user)) or message.files:
            await self._accept(message, text)
        elif await self._claim(message):
            await self.feedback.post(message.thread, texts.HELP)

    async def _accept(self, message: SlackMessage, text: str) -> None:
        taken, token = self._message(message, text), message.action_token
        await self.tokens.keep(taken.task_id, token)  # before the task can begin
        # A twin without files may have been answered with help.
        accepted = await self.engine.accept(taken, release=bool(message.files))
        if accepted.task != taken.task_id:
            await self.tokens.move(taken.task_id, accepted.task, token)
        if accepted.kind is AcceptedAs.REPEATED:
            if await self.twins.add_files(taken):
                await self.whisper(message, texts.LATE_FILES)
            return
        if await self.marks.show_eyes(message.thread, message.ts):
            self.signed(time.time() - float(message.ts))
        if accepted.kind is AcceptedAs.HELD:
            await self.whisper(message, texts.PRESS_A_BUTTON)
        elif accepted.ahead:
            await self.whisper(message, texts.queued(accepted.ahead))

    async def _stop(self, message: SlackMessage) -> None:
        current = await self.engine.store.current(message.thread)
        if not await self._claim(message):
            return
        if current is not None and second_of(current.message_ts) > second_of(message.ts):
            return  # written before this task's request, and delivered late
        if current is None and not message.is_reply:
            await self.whisper(message, await self._stop_here(message))
        else:
            await self.whisper(message, await self.stopper.stop(current, message.user))

    async def _stop_here(self, message: SlackMessage) -> str:
        """Stop the writer's task in this channel, written outside of its thread."""
        place = message.thread
        mine = await self.queries.tasks(
            team=place.team, channel=place.channel, user=message.user, open_only=True
        )
        earlier = [task for task in mine if second_of(task.message_ts) < second_of(message.ts)]
        chosen = [task for task in earlier if task.state is not State.WAITING] or earlier
        if len(chosen) > 1:
            return texts.several_running(len(chosen))
        return await self.stopper.stop(next(iter(chosen), None), message.user)

    async def _mute(self, message: SlackMessage, *, muted: bool) -> None:
        if not await self._claim(message):
            return
        if not message.is_reply:
            return await self.whisper(message, texts.MUTE_IN_A_THREAD)
        await self.preferences.mute(message.thread, muted=muted)
        await self.whisper(message, texts.MUTED if muted else texts.UNMUTED)

    async def _note(self, message: SlackMessage, text: str) -> None:
        if await self._claim(message):
            name = self.reader.people.known(message.thread.team, message.user)
            answer = await self.notes.answer(message.thread, text, user=message.user, user_name=name)
            await self.feedback.post(message.thread, silence_mentions(answer))

    async def _edited(self, change: MessageChange, bot_user: str) -> None:
        """Take an edit of a message that no agent has read; stop the task of a deleted message."""
        now = change.now
        if now is None:
            if task := await self.edits.withdraw(change.thread, change.ts):
                await self.engine.stop(task, texts.DELETED)
            return
        id_ = await self.edits.claimed_by(change.thread, change.ts)
        if id_ is None:
            if bot_user in mentioned(now.text) and bot_user not in mentioned(change.before.text):
                await self._addressed(now, bot_user)
            return
        await self.reader.look_up(now.thread.team, (), [now.content])
        text = self._request(now, bot_user)
        if text and await self.edits.change(change.thread, change.ts, text):
            log.info("edit taken", ts=change.ts)
        elif text:
            await self._edited_late(now, change.before, id_)

    async def _edited_late(self, now: SlackMessage, before: MessageContent, id_: str) -> None:
        """The agents have read the message: add what Slack shows below it since, and no other change."""
        current = await self.engine.store.task(id_)
        if current is None:
            return
        quotes = now.content.quotes
        if now.text != before.text:
            if not current.state.is_over:
                await self.whisper(now, texts.LATE_EDIT)
        elif quotes not in ("", before.quotes):
            plain = self.reader.plain(now.thread.team, quotes)
            await self.twins.add_quotes(self._message(now, ""), plain)

    async def _with_person(self, message: SlackMessage) -> SlackMessage:
        """The message as the person's in whose name an app wrote it, where there is one."""
        if not message.sender:
            return message
        person = await self.reader.people.person(message.thread.team, message.sender)
        if not person.is_known or person.is_bot:
            return message
        return replace(message, user=message.sender, by_bot=False)

    async def _claim(self, message: SlackMessage) -> bool:
        """Take a message that starts no task; False for its twin."""
        return await self.engine.store.claim(self._message(message, ""))

    def _request(self, message: SlackMessage, bot_user: str) -> str:
        """Words and quotes, without the mention that the words begin with."""
        content = replace(message.content, text=without_mention(message.text, bot_user))
        return self.reader.plain(message.thread.team, content.whole)

    def _message(self, message: SlackMessage, text: str) -> Message:
        known = self.reader.people.known(message.thread.team, message.user)
        name = message.app_name if message.by_bot else known
        return Message(
            thread=message.thread, ts=message.ts, user=message.user, user_name=name, text=text,
            files=message.files,
        )  # fmt: skip
