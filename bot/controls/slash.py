"""The slash command `/handoff`.

Answers are ephemeral. Slack does not offer it in threads, so threads have commands of their own
(`bot.intake.messages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot.controls import texts
from bot.controls.orders import OrderControls
from bot.controls.replies import respond_ephemerally
from bot.intake import texts as intake_texts
from bot.intake.access import AccessPolicy
from bot.intake.stopper import TaskStopper
from bot.thread.answer import duration
from bot.wire.client import ABSENT, SLACK_ERRORS, error_text, is_transient
from bot.wire.clients import Clients
from bot.wire.interactions import CommandPayload, parse_interaction
from bot.wire.manifest import COMMAND
from bot.wire.permalinks import Permalinks
from bot.wire.reader import MessageReader
from bot.wire.text import escape, one_plain_line, silence_mentions, truncate
from tasks.engine import TaskEngine
from tasks.message import Message, ThreadAddress
from tasks.orders.order import words_for_people
from tasks.store.preferences import CHOICES, ChannelPreferences
from tasks.store.queries import TaskQueries
from tasks.task import State, Task

log = structlog.get_logger(__name__)
audit = structlog.get_logger("audit")

_STATES = {State.QUEUED: texts.QUEUED, State.WAITING: texts.WAITING, State.RUNNING: texts.RUNNING}
_WORDS = ("help", "status", "runs", "stop", "set", "orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    """The listener for the command."""

    engine: TaskEngine
    queries: TaskQueries
    reader: MessageReader
    clients: Clients
    access: AccessPolicy
    stopper: TaskStopper
    preferences: ChannelPreferences
    links: Permalinks
    orders: OrderControls

    def register(self, app: AsyncApp) -> None:
        app.command(COMMAND)(self.commanded)

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
                words = texts.COMMANDS
            case "status", "":
                words = await self._status(command)
            case "runs", "":
                words = await self._runs(command)
            case "stop", id_:
                words = await self._stop(command, id_)
            case "orders", _:
                words = await self.orders.command(command.team_id, command.user_id, rest.split())
            case "set", _:
                words = await self._set(command, rest.lower().split())
            case typo, "" if close := get_close_matches(typo, _WORDS, n=1, cutoff=0.7):
                words = texts.did_you_mean(close[0])
            case _:
                words = await self._start(command)
        if words:
            await respond_ephemerally(respond, words)

    async def _start(self, command: CommandPayload) -> str:
        """Post the request in the channel, and start a task in its thread."""
        here = ThreadAddress(command.team_id, command.channel_id, "")
        if refusal := await self.access.refusal(here, command.user_id):
            return refusal
        name = await self.reader.people.name(command.team_id, command.user_id)
        text = await self.reader.words(command.team_id, command.text)
        client = await self.clients.of(command.team_id)
        try:
            posted = await client.chat_postMessage(
                channel=command.channel_id,
                text=texts.task_from(f"<@{command.user_id}>", _quoted(truncate(silence_mentions(text)))),
            )
        except SLACK_ERRORS as fault:
            return _not_posted(fault)
        ts = str(posted["ts"])
        thread = ThreadAddress(command.team_id, command.channel_id, ts)
        task = Message(thread=thread, ts=ts, user=command.user_id, user_name=name, text=text)
        accepted = await self.engine.accept(task)
        return intake_texts.queued(accepted.ahead) if accepted.ahead else ""

    async def _status(self, command: CommandPayload) -> str:
        found = await self.queries.tasks(
            team=command.team_id, channel=command.channel_id, open_only=True, limit=20
        )
        return await self._list(found, command.team_id) or texts.NOTHING_RUNNING_IN_CHANNEL

    async def _runs(self, command: CommandPayload) -> str:
        found = await self.queries.tasks(team=command.team_id, user=command.user_id, limit=10)
        return await self._list(found, command.team_id) or texts.NO_TASKS_YET

    async def _list(self, tasks: Sequence[Task], team: str) -> str:
        return "\n".join([await self._line(task) for task in tasks])

    async def _line(self, task: Task) -> str:
        link = await self.links.to(task.thread)
        title = escape(one_plain_line(words_for_people(task.request))[:80]) or texts.A_FILE
        took = duration(task.seconds) if task.seconds is not None else ""
        state = _STATES.get(task.state, task.state.value)
        return " · ".join(
            filter(None, [f"`{task.id}` <{link}|{title}>", state, took, escape(task.user_name)])
        )

    async def _stop(self, command: CommandPayload, id_: str) -> str:
        if id_:
            task = await self.engine.store.task(id_.strip("`"))
            if task is None or not await self._sees(command, task):
                return texts.unknown_task(escape(id_[:30]))
            return await self.stopper.stop(task, command.user_id)
        mine = await self.queries.tasks(
            team=command.team_id, channel=command.channel_id, user=command.user_id, open_only=True
        )
        if len(mine) == 1:
            return await self.stopper.stop(mine[0], command.user_id)
        if not mine:
            return texts.NO_TASK_OF_YOURS
        return f"{texts.WHICH_TASK}\n{await self._list(mine, command.team_id)}"

    async def _sees(self, command: CommandPayload, task: Task) -> bool:
        """Whether a person may know of a task here: it is of this channel or theirs, or they are an admin."""
        if task.thread.team != command.team_id:
            return False
        if task.thread.channel == command.channel_id or task.user == command.user_id:
            return True
        return (await self.reader.people.person(command.team_id, command.user_id)).is_admin

    async def _set(self, command: CommandPayload, words: Sequence[str]) -> str:
        team, channel = command.team_id, command.channel_id
        here = ThreadAddress(team, channel, "")
        if words and (refusal := await self.access.refusal(here, command.user_id)):
            return refusal
        match words:
            case []:
                pass
            case [name, value] if name in CHOICES and value in list(CHOICES[name]):
                await self.preferences.put(team, channel, name, value)
                audit.info("setting changed", team=team, channel=channel, user=command.user_id, name=name,
                           value=value)  # fmt: skip
            case [name, *_] if name in CHOICES:
                return texts.setting_can_be(name, _either(list(CHOICES[name])))
            case [name, *_]:
                unknown = texts.unknown_setting(escape(name[:30]))
                return f"{unknown} {await self._settings(team, channel)}"
        return await self._settings(team, channel)

    async def _settings(self, team: str, channel: str) -> str:
        lines = [
            texts.setting(name, await self.preferences.get(team, channel, name), "|".join(values))
            for name, values in CHOICES.items()
        ]
        return "\n".join([texts.CHANNEL_SETTINGS, *lines])


def _not_posted(fault: Exception) -> str:
    if error_text(fault) in ABSENT:
        return texts.NOT_IN_CHANNEL
    return texts.not_posted("" if is_transient(fault) else error_text(fault))


def _either(values: Sequence[str]) -> str:
    """`a, b or c`."""
    *others, last = values
    return f"{', '.join(others)} or {last}" if others else last


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())
