"""Converts text between Slack and the agents: mrkdwn to plain text, Markdown to safe Slack messages.

Limits are Slack's (docs.slack.dev/reference/block-kit and /methods/chat.postMessage).
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator

from agents.sanitize import sanitize_text

#: Characters of Markdown in one message. Slack accepts 12,000, including what it adds.
MESSAGE_LIMIT = 11_500
_MENTION = re.compile(r"<@([UWB][A-Z0-9]+)(?:\|[^<>]*)?>")
_LINK = re.compile(r"<([a-z][a-z0-9+.-]*:[^|<>]+)(?:\|([^<>]*))?>")
_CHANNEL = re.compile(r"<#([CG][A-Z0-9]+)\|?([^<>]*)>")
_DATE = re.compile(r"<!date\^[^|<>]*\|([^<>]*)>")
_SPECIAL = re.compile(r"<!(?:subteam\^)?([^<>|^]*)(?:\^[^<>|]*)?(?:\|([^<>]*))?>")
_GROUP = re.compile(r"<!(?:subteam\^|channel|here|everyone)")
#: Characters read for a row or title, which holds 256.
_LINE_READ = 2_000
#: What would notify people: entities, and words that clients turn into entities.
_MENTIONS = re.compile(r"<(?=[@!#])|@(?=(?:channel|here|everyone)\b)")

#: A line that opens or closes a code fence (spec.commonmark.org, fenced code blocks); longer marks are text.
_FENCE = re.compile(r"\s*(?P<mark>(?P<sign>[`~])(?P=sign){2,19})(?!(?P=sign))(?P<rest>.*)", re.DOTALL)
_LONGEST_FENCE = 20
_HEADING = re.compile(r"#{1,3}[ \t]+(.*\S)")
#: The line below a table's first line.
_RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")


def mentioned(text: str) -> list[str]:
    """Ids of the mentioned users, in order."""
    return _MENTION.findall(text)


def addresses_a_group(text: str) -> bool:
    """Whether the text mentions a user group, @here, @channel or @everyone."""
    return bool(_GROUP.search(text))


def plain_text(text: str, bot_user: str, name_of: Callable[[str], str]) -> str:
    """A message as its author saw it: entities are written out, and mentions of the bot are removed."""
    text = re.sub(rf"<@{re.escape(bot_user)}(?:\|[^<>]*)?>[:,]?", "", text)
    text = _MENTION.sub(lambda m: f"@{name_of(m[1])}", text)
    text = _LINK.sub(lambda m: m[1] if m[2] in (None, "", m[1]) else f"{m[2]} ({m[1]})", text)
    text = _CHANNEL.sub(lambda m: f"#{m[2] or m[1]}", text)
    text = _DATE.sub(lambda m: m[1], text)
    text = _SPECIAL.sub(lambda m: f"@{(m[2] or m[1]).removeprefix('@')}", text)
    return sanitize_text(html.unescape(text)).strip()


def silence_mentions(markdown: str) -> str:
    """Text that notifies no one: a zero-width space follows each `@` or `<` of a mention."""
    return _MENTIONS.sub(lambda m: m[0] + "\u200b", markdown)


def escape(text: str) -> str:
    """Text for a mrkdwn field, where these three characters are markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def truncate(text: str, most_bytes: int = 3500) -> str:
    """Text for a notification or an edit: Slack refuses an edit of more than 4,000 bytes, counted after
    escaping."""
    data = escape(text).encode()
    if len(data) <= most_bytes:
        return data.decode()
    cut = data[:most_bytes].decode(errors="ignore")
    return re.sub(r"&[a-z]{0,3}$", "", cut) + "…"


def one_plain_line(markdown: str) -> str:
    """Markdown as plain text on one line, for rows and titles. Only the first 2,000 characters are read:
    matching Markdown in long text is slow."""
    text = re.sub(r"^[ \t]*```.*$", "", markdown.strip()[:_LINE_READ], flags=re.MULTILINE)
    text = re.sub(r"^[ \t]*(?:#{1,6}|>|[-*+])[ \t]+", "", text, flags=re.MULTILINE)
    text = re.sub(r"!?\[([^\[\]]*)\]\([^)\[]*\)", r"\1", text)
    text = re.sub(r"(\*\*|__|~~|`{1,3})(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    return silence_mentions(" ".join(text.replace("```", " ").split()))


def table_at(markdown: str) -> int:
    """Index of the first table outside code fences; the text's length if there is none."""
    at, above, fence = 0, "", ""
    for line in markdown.splitlines(keepends=True):
        fence = _fence_after(line, fence)
        if not fence and "|" in above and _RULE.fullmatch(line.strip()):
            return at - len(above)
        at, above = at + len(line), line
    return at


def headings(markdown: str, start: int = 0) -> Iterator[str]:
    """Headings of levels 1 to 3 from character `start` on. Comments in code are no headings."""
    at, fence = 0, ""
    for line in markdown.splitlines(keepends=True):
        fence = _fence_after(line, fence)
        if at >= start and not fence and (found := _HEADING.match(line)):
            yield found[1]
        at += len(line)


def split_markdown(markdown: str, limit: int = MESSAGE_LIMIT) -> list[str]:
    """Markdown split into messages, between paragraphs where possible. A split code fence is closed and
    opened again; a split table repeats its header."""
    pieces: list[str] = []
    rest, again = markdown.strip(), ""
    while len(again) + len(rest) > limit:
        room = limit - len(again) - 1 - _LONGEST_FENCE
        cut = _place_to_cut(rest, room)
        head, left = again + rest[:cut].rstrip("\n"), rest[cut:]
        fence, rest = _open_fence(head), left.lstrip("\n")
        pieces.append(f"{head}\n{_mark(fence)}" if fence else head)
        goes_on = left.startswith("\n") and "|" in left.split("\n", 2)[1]
        again = fence or (_open_table(head, limit // 4) if goes_on else "")
    return [*pieces, again + rest] if rest else pieces


def _place_to_cut(text: str, room: int) -> int:
    for separator in ("\n\n", "\n", " "):
        cut = text.rfind(separator, room // 2, room)
        if cut > 0:
            return cut + (separator == " ")
    return room


def _open_fence(text: str) -> str:
    """The opening line of the code fence that `text` leaves open, with its line break; empty if none is."""
    fence = ""
    for line in text.splitlines():
        fence = _fence_after(line, fence)
    return fence and fence + "\n"


def _open_table(text: str, most: int) -> str:
    """The first line and the rule of the table that `text` ends in, with their line breaks; empty if it ends
    in none, or if these have more than `most` characters."""
    found, above, fence = "", "", ""
    for line in text.splitlines():
        fence = _fence_after(line, fence)
        if fence or "|" not in line:
            found = ""
        elif not found and "|" in above and _RULE.fullmatch(line.strip()):
            found = f"{above}\n{line}\n"
        above = line
    return found if len(found) <= most else ""


def _fence_after(line: str, fence: str) -> str:
    """The opening line of the fence open after `line`, where `fence` was before it; empty if none is."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    rest = found["rest"].strip()
    if fence:
        return "" if found["mark"].startswith(_mark(fence)) and not rest else fence
    return "" if found["sign"] == "`" and "`" in rest else (found["mark"] + rest)[:100]


def _mark(fence: str) -> str:
    """The signs that a fence's opening line begins with."""
    return fence[: len(fence) - len(fence.lstrip(fence[0]))]
