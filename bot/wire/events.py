"""Parses Slack's event JSON (docs.slack.dev/reference/events) into messages and message changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import pydantic

from bot.wire.content import MessageContent, content_of, speaks_of_files
from bot.wire.entities import TS
from bot.wire.reader import CONTENT_SUBTYPES, app_name
from tasks.message import FileRef, ThreadAddress

_Id = Annotated[str, pydantic.StringConstraints(min_length=1, max_length=64)]
_Ts = Annotated[str, pydantic.StringConstraints(pattern=f"^{TS.pattern}$")]


#: Characters of an action token; Slack's have some sixty.
_LONGEST_TOKEN = 1_000


class _Event(pydantic.BaseModel):
    type: str
    channel: _Id
    ts: _Ts
    user: _Id | None = None
    bot_id: _Id | None = None
    subtype: str | None = None
    thread_ts: _Ts | None = None
    channel_type: str | None = None
    team: _Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackMessage:
    """A message of a person or an app."""

    thread: ThreadAddress
    ts: str
    user: str
    content: MessageContent
    is_direct: bool
    is_reply: bool
    by_bot: bool
    """Written by an app; `user` is then its bot id, `B…`."""
    sender: str = ""
    """The user in whose name an app wrote: its own one, or a person."""
    app_name: str = ""
    """The name that the app shows."""
    lacks_files: bool = False
    """The event says that there are files and does not hold them, as `app_mention` does."""
    action_token: str = ""
    """Slack's permission to search for what its author may see, where the app has the scope."""

    @property
    def text(self) -> str:
        return self.content.text

    @property
    def files(self) -> tuple[FileRef, ...]:
        return self.content.files


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageChange:
    """An edited or deleted message. `now` is None for a deleted one."""

    thread: ThreadAddress
    ts: str
    before: MessageContent
    now: SlackMessage | None


class MalformedPayload(Exception):
    """A payload without the documented shape; `str()` says where."""


def bot_user_id(body: object) -> str | None:
    """Our bot's user id, from the event's `authorizations`."""
    match body:
        case {"authorizations": [{"user_id": str(user), "is_bot": True}, *_]}:
            return user
    return None


def parse_message(body: object) -> SlackMessage | None:
    """The message in a `message` or `app_mention` event; None for other events. Raises `MalformedPayload`."""
    if not isinstance(body, dict) or not isinstance(event := body.get("event"), dict):
        return None
    kind, subtype = event.get("type"), event.get("subtype")
    if kind not in ("message", "app_mention") or not _has_content(subtype):
        return None
    return _parse(event, body)


def parse_change(body: object) -> MessageChange | None:
    """The change in a `message_changed` or `message_deleted` event, or None. Raises `MalformedPayload`.

    Slack also sends `message_changed`, with the same text, when it adds a link preview, and with a tombstone
    when a message with replies is deleted.
    """
    if not isinstance(body, dict) or not isinstance(event := body.get("event"), dict):
        return None
    kind, channel = event.get("subtype"), event.get("channel")
    if event.get("type") != "message" or kind not in ("message_changed", "message_deleted"):
        return None
    before, after = event.get("previous_message"), event.get("message")
    is_tombstone = isinstance(after, dict) and after.get("subtype") == "tombstone"
    is_deleted = kind == "message_deleted" or is_tombstone
    current = before if is_deleted else after
    if not isinstance(current, dict) or (before is not None and not isinstance(before, dict)):
        raise MalformedPayload("event.message and event.previous_message must be objects")
    if not _has_content(current.get("subtype")):
        return None
    place = {"type": "message", "channel": channel, "channel_type": event.get("channel_type")}
    message = _parse({**current, **place, "ts": event.get("deleted_ts") or current.get("ts")}, body)
    return MessageChange(
        thread=message.thread,
        ts=message.ts,
        before=content_of(before),
        now=None if is_deleted else message,
    )


def _has_content(subtype: object) -> bool:
    return subtype is None or (isinstance(subtype, str) and subtype in CONTENT_SUBTYPES)


def _parse(event: dict[str, Any], body: dict[str, Any]) -> SlackMessage:
    try:
        read = _Event.model_validate(event)
    except pydantic.ValidationError as error:
        where = "; ".join(f"event.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise MalformedPayload(where) from None
    team = body.get("team_id") or read.team
    by_bot = read.bot_id is not None or read.subtype == "bot_message"
    user = read.bot_id if by_bot else read.user
    if not isinstance(team, str) or not 0 < len(team) <= 64 or not user:
        raise MalformedPayload("the event names no team, or neither a user nor a bot")
    content = content_of(event)
    return SlackMessage(
        thread=ThreadAddress(team, read.channel, read.thread_ts or read.ts),
        ts=read.ts,
        user=user,
        content=content,
        is_direct=read.channel_type == "im" or read.channel.startswith("D"),
        is_reply=read.thread_ts not in (None, read.ts),
        by_bot=by_bot,
        sender=read.user or "" if read.subtype != "bot_message" and by_bot else "",
        app_name=app_name(event) if by_bot else "",
        lacks_files=not content.files and speaks_of_files(event),
        action_token=_action_token(event),
    )


def _action_token(event: dict[str, Any]) -> str:
    thread = event.get("assistant_thread")
    token = thread.get("action_token") if isinstance(thread, dict) else None
    return token if isinstance(token, str) and len(token) <= _LONGEST_TOKEN else ""
