"""`/handoff`, and the message shortcut "Hand off this message".

Answers go to the person alone. Slack delivers neither in threads, so threads have words of their own
(`bot.intake.intake`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot.intake.access import AccessPolicy
from bot.intake.intake import in_line
from bot.intake.stopper import TaskStopper
from bot.thread.answer import duration
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text, is_transient
from bot.wire.clients import Clients
from bot.wire.events import MalformedPayload, parse_message
from bot.wire.interactions import CommandPayload, ShortcutPayload, parse_interaction
from bot.wire.manifest import COMMAND, SHORTCUT
from bot.wire.permalinks import Permalinks
from bot.wire.text import escape, mentioned, one_plain_line, plain_text, silence_mentions, truncate
from bot.wire.users import UserDirectory
from tasks.engine import TaskEngine
from tasks.message import Message, ThreadAddress
from tasks.store.preferences import CHOICES, ChannelPreferences
from tasks.store.queries import TaskQueries
from tasks.store.tasks import AcceptedAs
from tasks.task import State, Task

log = structlog.get_logger(__name__)

USAGE = (
    "`/handoff &lt;task&gt;` starts a task in this channel.\n"
    "`/handoff status` shows what is running here, `/handoff runs` your latest tasks.\n"
    "`/handoff stop` stops your task in this channel, `/handoff stop &lt;id&gt;` a certain one.\n"
    "`/handoff set` shows this channel's settings and how to change them.\n"
    "In a thread: write to steer, `stop` to stop, `!mute` and `!unmute` to have me wait for a mention. "
    "Where others write too, I wait for one by myself.\n"
    "`!note` shows the notes that I read before every task in this channel, and how to pin one."
)
NOT_HERE = "I am not in this channel. Invite me with `/invite @Handoff`, then try again."
_ABSENT = {"not_in_channel", "channel_not_found", "is_archived"}
_STATES = {State.QUEUED: "queued", State.WAITING: "waiting for an answer", State.RUNNING: "running"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    """The listeners for the command and the shortcut."""

    engine: TaskEngine
    queries: TaskQueries
    people: UserDirectory
    clients: Clients
    access: AccessPolicy
    stopper: TaskStopper
    preferences: ChannelPreferences
    links: Permalinks

    def register(self, app: AsyncApp) -> None:
        app.command(COMMAND)(self.commanded)
        app.shortcut(SHORTCUT)(self.handed_off)

    async def commanded(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        if (command := parse_interaction(CommandPayload, body)) is None:
            return
        once = ThreadAddress(command.team_id, command.channel_id, f"command:{command.trigger_id}")
        claimed = Message(thread=once, ts=once.ts, user=command.user_id, user_name="", text="")
        if not await self.engine.store.claim(claimed):
            return
        word, _, rest = command.text.strip().partition(" ")
        # A phone writes Stop, and an angry person stop!
        match word.lower().rstrip(".!"), rest.strip():
            case "" | "help", "":
                words = USAGE
            case "status", "":
                words = await self._status(command)
            case "runs", "":
                words = await self._runs(command)
            case "stop", id_:
                words = await self._stop(command, id_)
            case "set", _:
                words = await self._set(command, rest.lower().split())
            case _:
                words = await self._start(command)
        if words:
            await _tell(respond, words)

    async def handed_off(self, ack: AsyncAck, body: dict[str, Any], respond: AsyncRespond) -> None:
        """The message becomes a task of whoever chose the shortcut, answered in the message's thread."""
        await ack()
        if (chosen := parse_interaction(ShortcutPayload, body)) is None:
            return
        event = {**body["message"], "type": "message", "channel": chosen.channel.id, "subtype": None}
        try:
            message = parse_message({"team_id": chosen.team.id, "event": event})
        except MalformedPayload as problem:
            log.warning("shortcut on a message that is not understood", problem=str(problem))
            return
        if message is None or not (message.text or message.files):
            return await _tell(respond, "There is nothing in this message that I could work on.")
        if refusal := await self.access.refusal(message.thread, chosen.user.id):
            return await _tell(respond, refusal)
        name = await self.people.name(chosen.team.id, chosen.user.id)
        text = await self._plain(chosen.team.id, message.text)
        client = await self.clients.of(chosen.team.id)
        if not await _is_in(client, chosen.channel.id):
            return await _tell(respond, NOT_HERE)
        task = Message(
            thread=message.thread, ts=message.ts, user=chosen.user.id, user_name=name, text=text,
            files=message.files,
        )  # fmt: skip
        # Its writer may have been refused, and whoever hands it off now may.
        accepted = await self.engine.accept(task, release=True)
        if accepted.kind is AcceptedAs.REPEATED:
            return await _tell(respond, "This message has been handed to me already.")
        if accepted.ahead:
            await _tell(respond, in_line(accepted))
        try:
            await client.reactions_add(channel=chosen.channel.id, timestamp=message.ts, name="eyes")
        except SLACK_ERRORS as fault:
            log.info("sign not shown", why=error_text(fault))

    async def _start(self, command: CommandPayload) -> str:
        """Post the request where all can see it, and begin a task in its thread."""
        here = ThreadAddress(command.team_id, command.channel_id, "")
        if refusal := await self.access.refusal(here, command.user_id):
            return refusal
        name = await self.people.name(command.team_id, command.user_id)
        text = await self._plain(command.team_id, command.text)
        client = await self.clients.of(command.team_id)
        try:
            posted = await client.chat_postMessage(
                channel=command.channel_id,
                text=f"<@{command.user_id}> hands off:\n{_quoted(truncate(silence_mentions(text)))}",
            )
        except SLACK_ERRORS as fault:
            return _not_posted(fault)
        ts = str(posted["ts"])
        thread = ThreadAddress(command.team_id, command.channel_id, ts)
        task = Message(thread=thread, ts=ts, user=command.user_id, user_name=name, text=text)
        return in_line(await self.engine.accept(task))

    async def _plain(self, team: str, text: str) -> str:
        await self.people.ask(team, mentioned(text)[:5])
        return plain_text(text, "", lambda user: self.people.known(team, user))

    async def _status(self, command: CommandPayload) -> str:
        found = await self.queries.tasks(
            team=command.team_id, channel=command.channel_id, open_only=True, limit=20
        )
        return await self._list(found, command.team_id) or "Nothing is running in this channel."

    async def _runs(self, command: CommandPayload) -> str:
        found = await self.queries.tasks(team=command.team_id, user=command.user_id, limit=10)
        return await self._list(found, command.team_id) or "You have not given me a task yet."

    async def _list(self, tasks: Sequence[Task], team: str) -> str:
        return "\n".join([await self._line(task) for task in tasks])

    async def _line(self, task: Task) -> str:
        link = await self.links.to(task.thread)
        title = escape(one_plain_line(task.request)[:80]) or "a file"
        took = duration(task.seconds) if task.seconds is not None else ""
        state = _STATES.get(task.state, task.state.value)
        return " · ".join(
            filter(None, [f"`{task.id}` <{link}|{title}>", state, took, escape(task.user_name)])
        )

    async def _stop(self, command: CommandPayload, id_: str) -> str:
        if id_:
            task = await self.engine.store.task(id_.strip("`"))
            if task is None or not await self._sees(command, task):
                return f"I know no task `{escape(id_[:30])}`. `/handoff status` lists them."
            return await self.stopper.stop(task, command.user_id)
        mine = await self.queries.tasks(
            team=command.team_id, channel=command.channel_id, user=command.user_id, open_only=True
        )
        if len(mine) == 1:
            return await self.stopper.stop(mine[0], command.user_id)
        if not mine:
            return "No task of yours is running in this channel."
        return "Which one? `/handoff stop &lt;id&gt;`:\n" + await self._list(mine, command.team_id)

    async def _sees(self, command: CommandPayload, task: Task) -> bool:
        """Whether somebody may know of a task from here: it is of this channel, theirs, or they are admin."""
        if task.thread.team != command.team_id:
            return False
        if task.thread.channel == command.channel_id or task.user == command.user_id:
            return True
        return (await self.people.person(command.team_id, command.user_id)).is_admin

    async def _set(self, command: CommandPayload, words: Sequence[str]) -> str:
        team, channel = command.team_id, command.channel_id
        here = ThreadAddress(team, channel, "")
        if words and (refusal := await self.access.refusal(here, command.user_id)):
            return refusal
        if len(words) == 2 and words[0] in CHOICES and words[1] in list(CHOICES[words[0]]):
            await self.preferences.put(team, channel, words[0], words[1])
        elif words:
            return "I don't know that setting. " + await self._settings(team, channel)
        return await self._settings(team, channel)

    async def _settings(self, team: str, channel: str) -> str:
        lines = [
            f"• `{name}` is *{await self.preferences.get(team, channel, name)}* — "
            f"`/handoff set {name} {'|'.join(values)}`"
            for name, values in CHOICES.items()
        ]
        return "This channel's settings:\n" + "\n".join(lines)


async def _is_in(client: SlackClient, channel: str) -> bool:
    """Whether the bot is in a channel; taken for granted where Slack does not say."""
    try:
        found = (await client.conversations_info(channel=channel)).get("channel") or {}
    except SLACK_ERRORS as fault:
        log.info("channel not known", why=error_text(fault))
        return error_text(fault) not in _ABSENT
    return bool(found.get("is_member", True)) and not found.get("is_archived")


def _not_posted(fault: Exception) -> str:
    if error_text(fault) in _ABSENT:
        return NOT_HERE
    why = "" if is_transient(fault) else f" ({error_text(fault)})"
    return f"Slack did not take it{why}. Nothing was begun; try again in a moment."


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


async def _tell(respond: AsyncRespond, words: str) -> None:
    try:
        await respond(text=words, response_type="ephemeral")
    except SLACK_ERRORS as error:
        log.info("command not answered", why=error_text(error))
