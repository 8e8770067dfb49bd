"""Finds and writes out the entities of Slack's mrkdwn: mentions, links, channels, dates.

docs.slack.dev/messaging/formatting-message-text lists them.
"""

from __future__ import annotations

import re
from typing import Protocol

from text.sanitize import sanitize_text

_MENTION = re.compile(r"<@([UWB][A-Z0-9]+)(?:\|([^<>]*))?>")
_LINK = re.compile(r"<([a-z][a-z0-9+.-]*:[^|<>]+)(?:\|([^<>]*))?>")
_CHANNEL = re.compile(r"<#([CG][A-Z0-9]+)\|?([^<>]*)>")
_DATE = re.compile(r"<!date\^[^|<>]*\|([^<>]*)>")
_SPECIAL = re.compile(r"<!(?:subteam\^)?([^<>|^]*)(?:\^[^<>|]*)?(?:\|([^<>]*))?>")
_GROUP = re.compile(r"<!(?:subteam\^|channel|here|everyone)")
#: The form of a `ts`, which names a message of a channel: seconds since 1970.
TS = re.compile(r"\d{1,12}\.\d{1,9}")
#: What Slack puts before an address that a person typed without it.
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)


class Names(Protocol):
    """Names of what a message mentions. `label` is the name in the message itself, mostly empty."""

    def user(self, id_: str, label: str) -> str: ...

    def channel(self, id_: str, label: str) -> str: ...


class RawNames:
    """Without any lookup: the label, else the id."""

    def user(self, id_: str, label: str) -> str:
        return label or id_

    def channel(self, id_: str, label: str) -> str:
        return label or id_


def mentioned(text: str) -> list[str]:
    """Ids of the mentioned users, in order."""
    return [id_ for id_, _ in _MENTION.findall(text)]


def mentioned_channels(text: str) -> list[str]:
    """Ids of the mentioned channels, in order."""
    return [id_ for id_, _ in _CHANNEL.findall(text)]


def addresses_a_group(text: str) -> bool:
    """Whether the text mentions a user group, @here, @channel or @everyone."""
    return bool(_GROUP.search(text))


def without_mention(text: str, user: str) -> str:
    """The text without the mentions of one user with which it begins; later ones belong to a sentence."""
    mention = rf"<@{re.escape(user)}(?:\|[^<>]*)?>"
    return re.sub(rf"\A(?:\s*{mention}[\s:,]*)+", "", text)


def without_mentions(text: str, user: str) -> str:
    """The text without any mention of one user, to read a command in it."""
    return re.sub(rf"<@{re.escape(user)}(?:\|[^<>]*)?>[:,]?", "", text).strip()


def plain_text(text: str, names: Names) -> str:
    """A message as its author saw it: entities are written out, and addresses stand as they were typed."""
    text = _MENTION.sub(lambda m: f"@{names.user(m[1], m[2] or '')}", text)
    text = _LINK.sub(_link, text)
    text = _CHANNEL.sub(lambda m: f"#{names.channel(m[1], m[2])}", text)
    text = _DATE.sub(lambda m: m[1], text)
    text = _SPECIAL.sub(lambda m: f"@{(m[2] or m[1]).removeprefix('@')}", text)
    return sanitize_text(unescape(text)).strip()


def unescape(text: str) -> str:
    """Text of a mrkdwn field with its three escapes undone."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _link(match: re.Match[str]) -> str:
    address, label = match[1], match[2] or ""
    typed = _SCHEME.sub("", address, count=1)
    if label in ("", address):
        return address
    return label if label.rstrip("/") == typed.rstrip("/") else f"{label} ({address})"
