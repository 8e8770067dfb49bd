"""Reads Slack's messages: who wrote them, when, and what they say in words.

The one way in which requests, threads, shortcuts and tools read messages. What people and apps wrote is
material, except for a task's request: the code that shows it to a model marks it as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.wire.block_text import string
from bot.wire.channels import ChannelDirectory
from bot.wire.content import MessageContent, content_of, file_line
from bot.wire.entities import TS, mentioned, mentioned_channels, plain_text
from bot.wire.users import UserDirectory
from tasks.message import FileRef
from text.sanitize import sanitize_text

#: Subtypes of messages with content; all others announce something.
CONTENT_SUBTYPES = {"file_share", "thread_broadcast", "bot_message", "me_message", "reply_broadcast"}
#: People and channels whose names are looked up for one call of `read`.
_MOST_USERS, _MOST_CHANNELS = 50, 5
_AN_APP = "an app"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMessage:
    """One message in words: plain text with Markdown tables, sanitized; some 120,000 characters at most."""

    ts: str
    thread_ts: str
    """The `ts` of its thread's first message; its own where it is in no thread."""
    author: str
    """A user id (`U…`, `W…`), or a bot id (`B…`) where an app wrote it."""
    author_name: str
    by_app: bool
    text: str
    """The author's own words; empty for files or quotes alone."""
    quotes: str = ""
    """What the author forwarded or linked: a header with author, place and time, then lines that begin with
    `> `."""
    files: tuple[FileRef, ...] = ()
    """The message's files and those of its quotes, not fetched."""

    @property
    def whole(self) -> str:
        """Words, quotes, and a line for each file."""
        return "\n".join(filter(None, [self.text, self.quotes, *map(file_line, self.files)]))


@dataclass(frozen=True, slots=True)
class MessageReader:
    """Reads messages of every workspace. `people` and `channels` cache the names."""

    people: UserDirectory
    channels: ChannelDirectory

    async def read(self, team: str, messages: Iterable[object]) -> list[ReadMessage]:
        """The messages that say something, in their order: raw ones of an event, a history, a search or a
        shortcut. Others, such as joins, and what has not the shape of a message are left out. Looks up names
        that are not cached, and raises nothing when Slack refuses one."""
        raw = [one for one in messages if isinstance(one, dict) and _says_something(one)]
        contents = [content_of(one) for one in raw]
        await self.look_up(team, [author_id(one) for one in raw], contents)
        return [self._message(team, *pair) for pair in zip(raw, contents, strict=True)]

    async def look_up(self, team: str, users: Iterable[str], contents: Iterable[MessageContent]) -> None:
        """Look up the names of users and of all whom contents mention, for `plain`."""
        wholes = [content.whole for content in contents]
        people = dict.fromkeys([*users, *(user for whole in wholes for user in mentioned(whole))])
        places = dict.fromkeys(place for whole in wholes for place in mentioned_channels(whole))
        await self.people.ask(team, list(people)[:_MOST_USERS])
        await self.channels.ask(team, list(places)[:_MOST_CHANNELS])

    async def words(self, team: str, text: str) -> str:
        """mrkdwn as plain text, with the names of all whom it mentions."""
        await self.look_up(team, (), [MessageContent(text=text)])
        return self.plain(team, text)

    def plain(self, team: str, text: str) -> str:
        """mrkdwn as plain text, with the names that were looked up."""
        return plain_text(text, CachedNames(team, self.people, self.channels))

    def _message(self, team: str, raw: Mapping[str, Any], content: MessageContent) -> ReadMessage:
        author = author_id(raw)
        by_app = is_by_app(raw) and not self.people.is_person(team, string(raw.get("user")))
        return ReadMessage(
            ts=raw["ts"],
            thread_ts=string(raw.get("thread_ts")) or raw["ts"],
            author=string(raw.get("bot_id")) or author if by_app else author,
            author_name=app_name(raw) if by_app else self.people.known(team, author),
            by_app=by_app,
            text=self.plain(team, content.text),
            quotes=self.plain(team, content.quotes),
            files=content.files,
        )


@dataclass(frozen=True, slots=True)
class CachedNames:
    """The names that are known of a workspace (a `bot.wire.entities.Names`)."""

    team: str
    people: UserDirectory
    channels: ChannelDirectory

    def user(self, id_: str, label: str) -> str:
        return self.people.known(self.team, id_, label)

    def channel(self, id_: str, label: str) -> str:
        return self.channels.known(self.team, id_, label)


def is_by_app(message: Mapping[str, Any]) -> bool:
    """Whether an app wrote or sent a message. One with a `user` too may be a person's."""
    return bool(message.get("bot_id")) or message.get("subtype") == "bot_message"


def author_id(message: Mapping[str, Any]) -> str:
    """The user who wrote a message, else the app."""
    return string(message.get("user")) or string(message.get("bot_id"))


def app_name(message: Mapping[str, Any]) -> str:
    """The name that an app shows."""
    profile = message.get("bot_profile")
    found = string(message.get("username")) or (
        string(profile.get("name")) if isinstance(profile, dict) else ""
    )
    return sanitize_text(" ".join(found.split()))[:100] or _AN_APP


def _says_something(message: Mapping[str, Any]) -> bool:
    subtype = message.get("subtype")
    has_content = subtype is None or (isinstance(subtype, str) and subtype in CONTENT_SUBTYPES)
    return has_content and TS.fullmatch(string(message.get("ts"))) is not None
