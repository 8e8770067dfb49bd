"""Converts mrkdwn to the rich_text block that Slack adds to a person's text."""

from __future__ import annotations

import re

from playground.slack.world import Json

_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`|<@(?P<user>[UW][A-Z0-9]+)>|<#(?P<channel>C[A-Z0-9]+)>"
    r"|<!(?P<range>here|channel|everyone)>|<(?P<url>https?://[^>]+)>"
)


def rich_text(text: str) -> Json:
    """A person's text as sections and preformatted parts, in order."""
    parts: list[Json] = []
    end = 0
    for fence in _FENCE.finditer(text):
        parts += _section(text[end : fence.start()])
        code = {"type": "text", "text": _unescape(fence[1])}
        parts.append({"type": "rich_text_preformatted", "elements": [code], "border": 0})
        end = fence.end()
    return {"type": "rich_text", "elements": [*parts, *_section(text[end:])]}


def _section(text: str) -> list[Json]:
    elements: list[Json] = []
    end = 0
    for found in _INLINE.finditer(text):
        elements += _words(text[end : found.start()])
        elements.append(_reference(found))
        end = found.end()
    elements += _words(text[end:])
    return [{"type": "rich_text_section", "elements": elements}] if elements else []


def _reference(found: re.Match[str]) -> Json:
    kind = found.lastgroup
    value = found[kind or 0]
    match kind:
        case "code":
            return {"type": "text", "text": _unescape(value), "style": {"code": True}}
        case "user":
            return {"type": "user", "user_id": value}
        case "channel":
            return {"type": "channel", "channel_id": value}
        case "range":
            return {"type": "broadcast", "range": value}
        case _:
            return {"type": "link", "url": _unescape(value)}


def _words(text: str) -> list[Json]:
    return [{"type": "text", "text": _unescape(text)}] if text else []


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
