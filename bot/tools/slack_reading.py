"""Tools that read channels, threads and search results for the orchestrator."""

from __future__ import annotations

import textwrap
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError

from agents.errors import ToolFailure
from agents.tools import Function, Tool
from bot.tools import sentences
from bot.tools.action_tokens import ActionTokens
from bot.tools.channel_access import ChannelAccess
from bot.wire.client import ABSENT, SLACK_ERRORS, SlackClient, error_code, error_text
from bot.wire.entities import TS
from bot.wire.permalinks import Permalinks, parse_permalink
from bot.wire.reader import MessageReader, ReadMessage
from tasks.message import ThreadAddress
from tasks.run.zones import time_zone
from tasks.task import Task
from text.sanitize import sanitize_text

audit = structlog.get_logger("audit")

#: Messages of one call.
_MOST = 500
#: Results of one page of Slack's search, which takes no more.
_RESULTS = 20
#: Characters of one message.
_LONGEST = 4_000
_TOKEN_OVER = {"invalid_action_token", "action_token_expired", "expired_action_token", "token_expired"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackReading:
    """The tools of one task."""

    client: SlackClient
    reader: MessageReader
    links: Permalinks
    access: ChannelAccess
    task: Task
    tokens: ActionTokens

    async def tools(self) -> list[Tool]:
        """Without search where Slack gives the app no token for it."""
        functions: list[Function] = [self.read_channel, self.read_thread]
        if await self.tokens.of(self.task.id):
            functions.append(self.search_messages)
        return [Tool.from_function(function) for function in functions]

    async def read_channel(self, channel: str, since: str = "", limit: int = 100) -> str:
        """Read the newest messages of a Slack channel, with authors, times and links.

        You can read what the people who wrote in this task may see. Replies in threads are not among the
        messages: read a thread with read_thread. Link the messages that your answer rests on. If this says
        that something can't be shown here, name the place to ask, and don't say what is in it.

        Args:
            channel: The channel's name, such as #support, or its id.
            since: Only messages from this date or time on, such as 2026-11-23 or 2026-11-23T09:00 in the
                person's time zone.
            limit: How many messages at most, up to 500.
        """
        most = max(1, min(limit, _MOST))
        async with _refusals():
            place = await self.access.find(channel)
            self._audit("read", channel=place.id)
            zone = await self._zone()
            span = _span(since, zone) if since.strip() else {}
            found: list[dict[str, Any]] = []
            async for message in self.client.messages("conversations.history", channel=place.id, **span):
                found.append(message)
                if len(found) > most:
                    break
            notes = [sentences.older(most)] if len(found) > most else []
            shown = sorted(found[:most], key=lambda message: str(message.get("ts")))
            name = f"#{place.name}" if place.name else "this conversation"
            return await self._written(name, place.id, shown, zone, notes)

    async def read_thread(self, link: str) -> str:
        """Read a Slack thread, with authors, times and links.

        Args:
            link: A link to the thread, or to any message in it.
        """
        if (where := parse_permalink(link)) is None:
            raise ToolFailure(sentences.NO_PERMALINK)
        async with _refusals():
            place = await self.access.check(where[0])
            self._audit("read", channel=place.id, thread=where[1])
            first, newest, count = await self._thread(place.id, where[1])
            zone = await self._zone()
            missing = count - len(newest) - 1
            notes = [sentences.left_out(missing)] if missing > 0 else []
            name = f"a thread in #{place.name}" if place.name else "a thread"
            return await self._written(name, place.id, [*first, *newest], zone, notes)

    async def search_messages(self, query: str) -> str:
        """Search the messages of this Slack workspace's public channels; the results have links.

        Args:
            query: Words to find, or a question.
        """
        asked = {"query": query, "action_token": await self.tokens.of(self.task.id), "limit": _RESULTS,
                 "content_types": ["messages"], "channel_types": ["public_channel"]}  # fmt: skip
        async with _refusals():
            self._audit("searched")
            answer = await self.client.api_call("assistant.search.context", json=asked)
            results = [
                one for one in (answer.get("results") or {}).get("messages") or () if isinstance(one, dict)
            ]
            shown = await self._showable({str(one.get("channel_id")) for one in results})
            visible = [one for one in results if str(one.get("channel_id")) in shown]
            zone = await self._zone()
            lines = [await self._result(one, shown[str(one.get("channel_id"))], zone) for one in visible]
        hidden = len(results) - len(visible)
        notes = [sentences.hidden(hidden)] if hidden else []
        heading = sentences.found(len(visible)) if visible else sentences.NO_RESULTS
        return "\n\n".join([heading, *lines, *notes])

    def _audit(self, what: str, **where: str) -> None:
        audit.info(what, team=self.task.thread.team, user=self.task.user, task=self.task.id, **where)

    async def _thread(self, channel: str, ts: str) -> tuple[list[Any], deque[Any], int]:
        """A thread's root, its newest replies, and the number of all; for a reply, the thread it is in."""
        first: list[dict[str, Any]] = []
        newest: deque[dict[str, Any]] = deque(maxlen=_MOST)
        count = 0
        async for message in self.client.messages("conversations.replies", channel=channel, ts=ts):
            root = str(message.get("thread_ts") or ts)
            if not first and root != str(message.get("ts")) and root != ts:
                return await self._thread(channel, root)
            count += 1
            (newest if first else first).append(message)
        return first, newest, count

    async def _written(
        self, name: str, channel: str, raw: Sequence[dict[str, Any]], zone: tzinfo, notes: Sequence[str]
    ) -> str:
        team = self.task.thread.team
        replies = {str(message.get("ts")): message.get("reply_count") for message in raw}
        messages = await self.reader.read(team, raw)
        if not messages:
            return "\n\n".join([sentences.NO_MESSAGES, *notes])
        lines = []
        for message in messages:
            thread = ThreadAddress(team, channel, message.thread_ts)
            link = await self.links.to_reply(thread, message.ts)
            lines.append(_entry(message, link, zone, replies.get(message.ts)))
        return "\n\n".join([sentences.heading(name, len(messages), str(zone)), *notes, *lines])

    async def _showable(self, channels: Iterable[str]) -> dict[str, str]:
        """Names of those channels that may be read and shown here, by id."""
        found = {}
        here = None
        for id_ in sorted(channels):
            try:
                here = here or await self.access.here()
                found[id_] = (await self.access.check(id_, here)).name
            except ToolFailure:
                continue
            except SLACK_ERRORS as error:
                if error_code(error) not in ABSENT:
                    raise
        return found

    async def _result(self, result: dict[str, Any], channel: str, zone: tzinfo) -> str:
        words = await self.reader.words(self.task.thread.team, str(result.get("content") or ""))
        ts = str(result.get("message_ts"))
        author = " ".join(sanitize_text(str(result.get("author_name") or "someone")).split())[:100]
        when = _time(ts, zone) if TS.fullmatch(ts) else "at an unknown time"
        head = f"{author} in #{channel} · {when} · {sanitize_text(str(result.get('permalink') or ''))[:500]}"
        return f"{head}\n{_indented(words)}"

    async def _zone(self) -> tzinfo:
        """The requester's time zone, or UTC."""
        person = await self.reader.people.person(self.task.thread.team, self.task.user)
        return time_zone(person.zone)


@asynccontextmanager
async def _refusals() -> AsyncIterator[None]:
    """Turns Slack's refusals into sentences for the model."""
    try:
        yield
    except SLACK_ERRORS as error:
        code = error_code(error)
        if code in ABSENT:
            raise ToolFailure(sentences.NO_CHANNEL) from error
        if code in _TOKEN_OVER:
            raise ToolFailure(sentences.SEARCH_OVER) from error
        if code == "missing_scope" and isinstance(error, SlackApiError):
            raise ToolFailure(sentences.lacks_scope(str(error.response.get("needed") or "?"))) from error
        raise ToolFailure(sentences.slack_refuses(error_text(error))) from error


def _span(since: str, zone: tzinfo) -> dict[str, Any]:
    """The time from `since` on, for `conversations.history`. Raises `ToolFailure`."""
    try:
        moment = datetime.fromisoformat(since.strip())
        oldest = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ToolFailure(sentences.WRONG_TIME) from None
    # Without `latest` Slack begins with the oldest messages, and not with the newest.
    return {"oldest": f"{oldest:.6f}", "latest": f"{time.time():.6f}"}


def _entry(message: ReadMessage, link: str, zone: tzinfo, replies: object) -> str:
    thread = f" · {sentences.replies(replies)}" if isinstance(replies, int) and replies else ""
    return f"{message.author_name} · {_time(message.ts, zone)}{thread} · {link}\n{_indented(message.whole)}"


def _time(ts: str, zone: tzinfo) -> str:
    return datetime.fromtimestamp(float(ts), zone).strftime("%a %Y-%m-%d %H:%M")


def _indented(text: str) -> str:
    """Indented, so that no line of it looks like the head of another message."""
    return textwrap.indent(text[:_LONGEST], "  ", lambda _: True)
