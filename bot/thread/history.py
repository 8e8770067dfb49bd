"""Reads what surrounds a task: its thread since the last task, its channel, its asker's time zone."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.thread.posts import EVENT_TYPE
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text
from bot.wire.content import content_of
from bot.wire.reader import MessageReader, ReadMessage
from tasks.message import FileRef, Message
from tasks.run.thread import Surroundings
from tasks.task import Task

log = structlog.get_logger(__name__)
audit = structlog.get_logger("audit")

#: The newest messages that are read, the pages that are listed to find them, and Slack's most for a page.
MOST, PAGES, PAGE = 300, 10, 1000
#: Files that are taken from the thread, the newest.
_MOST_FILES = 20
#: Seconds between a message and its task, beyond which someone handed it off by its menu.
_HANDED_OFF = 60.0
#: The keys of those posts of a task that say something: its answer, and its questions.
_ANSWERS = ("end:", "ask:")


@dataclass(frozen=True, slots=True)
class ThreadHistory:
    """Reads it once, when a task begins."""

    client: SlackClient
    reader: MessageReader
    task: Task

    async def read(self, history: Sequence[Task]) -> Surroundings:
        """What `history`, the thread's known tasks, does not say. What Slack refuses is left out."""
        task = self.task
        channel = await self.reader.channels.channel(task.thread.team, task.thread.channel)
        place = (
            f"#{self.reader.channels.known(task.thread.team, task.thread.channel)}" if channel.name else ""
        )
        zone = await self._zone()
        if task.thread.ts == task.message_ts and not self._was_handed_off:
            return Surroundings(place=place, zone=zone, files=await self._files_of_root())
        since = _ts(history[-1]) if history else ""
        own = await self._own()
        request, root, newest, count = await self._list(since, history, own)
        read = await self.reader.read(task.thread.team, [*root, *newest])
        said = [
            self._message(one, is_own=one.author in own)
            for one in read
            if one.text or one.quotes or one.files
        ]
        return Surroundings(
            place=place, zone=zone, messages=_with_new_files(said, since), left_out=count - len(newest),
            files=() if task.files else content_of(request).files,
        )  # fmt: skip

    async def _files_of_root(self) -> tuple[FileRef, ...]:
        """The files that Slack left out of a mention's event. The event that has them may wait in a process
        that died or hangs, and would come after the answer. A burst of tasks goes without this call, so that
        each answer can ask whether its thread is there."""
        task, method = self.task, "conversations.replies"
        thread = task.thread
        if (
            task.files
            or thread.channel.startswith("D")
            or not self.client.limiter.available(method, keeping=0.5)
        ):
            return ()
        try:
            found = await self.client.message(thread.channel, thread.ts, task.message_ts)
        except SLACK_ERRORS as fault:
            log.info("request not read again", why=error_text(fault))
            return ()
        return content_of(found).files if found else ()

    @property
    def _was_handed_off(self) -> bool:
        """Whether the request was an old message, below which others may have written since."""
        return self.task.created_at - float(_ts(self.task)) > _HANDED_OFF

    async def _zone(self) -> str:
        """Apps have none."""
        task = self.task
        if not task.user.startswith(("U", "W")):
            return ""
        return (await self.reader.people.person(task.thread.team, task.user)).zone

    async def _own(self) -> frozenset[str]:
        """The ids by which the bot's own messages are known."""
        try:
            return await self.client.own_ids()
        except SLACK_ERRORS as fault:
            log.warning("own messages count as another app's", why=error_text(fault))
            return frozenset()

    async def _list(
        self, since: str, history: Sequence[Task], own: frozenset[str]
    ) -> tuple[dict[str, Any], list[dict[str, Any]], deque[dict[str, Any]], int]:
        """The request, the thread's first message unless it is known, the newest of the others, and how many
        there are. Slack returns the first one however old it is."""
        thread, asked = self.task.thread, _ts(self.task)
        latest = f"{self.task.created_at:.6f}" if self._was_handed_off else asked
        audit.info(
            "read", team=thread.team, channel=thread.channel, thread=thread.ts, user=self.task.user,
            task=self.task.id,
        )  # fmt: skip
        known, ids = {asked, *map(_ts, history)}, {task.id for task in history}
        request, root, count = dict[str, Any](), list[dict[str, Any]](), 0
        newest = deque[dict[str, Any]](maxlen=MOST)
        oldest = {"oldest": since} if since else {}
        try:
            async for message in self.client.messages(
                "conversations.replies", most_pages=PAGES, channel=thread.channel, ts=thread.ts,
                latest=latest, inclusive=True, limit=PAGE, include_all_metadata=True, **oldest,
            ):  # fmt: skip
                ts = str(message.get("ts"))
                if ts == self.task.message_ts:
                    request = message
                if ts in known or (_is_by(message, own) and not _answers_unknown_task(message, ids)):
                    continue
                if ts == thread.ts:
                    root = [message]
                else:
                    newest.append(message)
                    count += 1
        except SLACK_ERRORS as fault:
            log.warning("earlier messages of the thread not read", why=error_text(fault))
        return request, root, newest, count

    def _message(self, read: ReadMessage, *, is_own: bool) -> Message:
        mark = " (you, earlier)" if is_own else " (app)" if read.by_app else ""
        return Message(
            thread=self.task.thread, ts=read.ts, user=read.author, user_name=f"{read.author_name}{mark}",
            text="\n".join(filter(None, [read.text, read.quotes])), files=read.files,
        )  # fmt: skip


def _ts(task: Task) -> str:
    return task.message_ts.partition(":")[0]


def _is_by(message: Mapping[str, Any], ids: frozenset[str]) -> bool:
    return message.get("bot_id") in ids or message.get("user") in ids


def _answers_unknown_task(message: Mapping[str, Any], known: Collection[str]) -> bool:
    """Whether a message of the bot is an answer or a question of a task that is not known here."""
    match message.get("metadata"):
        case {"event_type": kind, "event_payload": {"key": str(key)}} if kind == EVENT_TYPE:
            id_, _, part = key.partition("/")
            return part.startswith(_ANSWERS) and id_ not in known
    return False


def _with_new_files(messages: Sequence[Message], since: str) -> list[Message]:
    """The messages with their newest files, but for those that an earlier task has fetched."""
    left, found = _MOST_FILES, list[Message]()
    for message in reversed(messages):
        is_new = not since or float(message.ts) > float(since)
        files = message.files[:left] if is_new else ()
        left -= len(files)
        found.append(replace(message, files=files))
    return found[::-1]
