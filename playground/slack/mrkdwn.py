"""Slack's mrkdwn: escaping, mentions, and the conversion of typed and sent texts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from playground.slack.state import WorkspaceState
from playground.slack.world import User

_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_GROUPS = {"here": "<!here>", "channel": "<!channel>", "everyone": "<!everyone>"}
_CODE = r"```.*?```|`[^`\n]+`"
_REFERENCE = r"<@[UW][A-Z0-9]+>|<#C[A-Z0-9]+>"
_MARKUP = re.compile(r"&(?:amp|lt|gt);|<(?:[@#!][^<>\n]+|(?:https?|mailto|tel):[^<>\n]+)>")
_LINK = r"https?://[^\s<>`]+[^\s<>`.,;:!?)\]'\"]"


def escape(text: str) -> str:
    """Escapes the three characters that are special in Slack's text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_sent(text: str) -> str:
    """An app's text as Slack stores it: escapes `&`, `<` and `>` outside entities and references."""
    kept: list[str] = []
    end = 0
    for found in _MARKUP.finditer(text):
        kept += escape(text[end : found.start()]), found[0]
        end = found.end()
    return "".join((*kept, escape(text[end:])))


def mentioned(text: str) -> set[str]:
    """The ids of the users that a Slack text mentions."""
    return set(_MENTION.findall(text))


def as_typed(text: str, state: WorkspaceState) -> str:
    """Escaped text with `@names`, `#channels` and URLs turned into Slack's references.

    Code keeps its names as they are. A well-formed reference stays one, so that a program can write `<@U…>`
    where a person picks a name from the completion.
    """
    people = {name.lower(): user.id for user in state.users.values() for name in _names(user)}
    channels = {channel.name: channel.id for channel in state.channels.values() if not channel.is_im}
    pattern = re.compile(
        rf"(?P<code>{_CODE})|(?P<reference>{_REFERENCE})|(?P<link>{_LINK})"
        rf"|(?<![\w@])@(?P<person>{_any_of((*people, *_GROUPS))})(?!\w)"
        rf"|(?<![\w#&])#(?P<channel>{_any_of(channels)})(?![\w-])",
        re.DOTALL | re.IGNORECASE,
    )

    def reference(found: re.Match[str]) -> str:
        whole = found[0]
        if found["reference"]:
            return whole
        if found["link"]:
            return f"<{escape(whole)}>"
        if found["person"]:
            name = found["person"].lower()
            return _GROUPS.get(name) or f"<@{people[name]}>"
        if found["channel"]:
            return f"<#{channels[found['channel'].lower()]}>"
        return escape(whole)

    written: list[str] = []
    end = 0
    for found in pattern.finditer(text):
        written += escape(text[end : found.start()]), reference(found)
        end = found.end()
    return "".join((*written, escape(text[end:])))


def _names(user: User) -> tuple[str, ...]:
    return (user.real_name, user.name, user.real_name.split()[0])


def _any_of(names: Iterable[str]) -> str:
    longest_first = sorted(names, key=len, reverse=True)
    return "|".join(re.escape(name) for name in longest_first) or r"(?!)"
