"""Requests to sum up a channel: reads it with `read_channel`, then lists who wrote and who asked what."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from playground.demo_model.answers import LABEL
from playground.demo_model.conversation import Conversation, Reply

READ = "read_channel"
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_VERBS = r"summari[sz]e|sum up|read|what (?:happened|was said) in|who asked"
_REQUEST = re.compile(rf"(?i)\b(?:{_VERBS})\b[^#\n]*#(?P<name>[\w-]+)")
_SINCE = re.compile(rf"(?i)\bsince (?P<day>{'|'.join(_DAYS)}|yesterday|today|\d{{4}}-\d\d-\d\d)\b")
_HEAD = re.compile(
    r"(?m)^(?P<author>\S.*?) · \w{3} \d{4}-\d\d-\d\d \d\d:\d\d · (?:[\d,]+ repl\w+ · )?(?P<link>\S+)$"
)


@dataclass(frozen=True)
class Posted:
    """A message of a channel, as the tool spells it."""

    author: str
    link: str
    text: str


def reply(conversation: Conversation, request: str) -> Reply | None:
    """The next turn for a request about a channel; None for another one."""
    wanted = _REQUEST.search(request)
    if wanted is None or READ not in conversation.tools:
        return None
    if not (calls := conversation.calls(READ)):
        since = _since(conversation, request)
        more = {"since": since} if since else {}
        call = conversation.arguments(READ, channel=f"#{wanted['name']}", **more)
        return Reply(f"Reading #{wanted['name']}.", (call,))
    return Reply(f"{_summary(wanted['name'], calls[-1].result or '')}\n\n{LABEL}")


def _summary(name: str, result: str) -> str:
    """What was said, in counts and quotations; nothing of it is judged."""
    if result.startswith("Error: "):
        return result.removeprefix("Error: ")
    posts = _posts(result)
    if not posts:
        return f"There are no messages in #{name} for that time."
    people = Counter(post.author for post in posts)
    wrote = ", ".join(f"{author} {count}" for author, count in people.most_common())
    asked = [
        f"- {post.author}: {_line(post.text)} ([message]({post.link}))" for post in posts if "?" in post.text
    ]
    lines = [f"**#{name}**: {len(posts)} messages. Who wrote how many: {wrote}."]
    lines += ["", "**Questions**", *asked] if asked else ["", "No message has a question mark."]
    return "\n".join(lines)


def _posts(result: str) -> list[Posted]:
    heads = list(_HEAD.finditer(result))
    ends = [head.start() for head in heads[1:]] + [len(result)]
    return [
        Posted(head["author"], head["link"], " ".join(result[head.end() : end].split()))
        for head, end in zip(heads, ends, strict=True)
    ]


def _line(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"


def _since(conversation: Conversation, request: str) -> str:
    """The date that the request means, counted from the day of its note; empty where it names none."""
    today, named = conversation.asked_on, _SINCE.search(request)
    if named is None or today is None:
        return ""
    day = named["day"].lower()
    if day in _DAYS:
        return (today - timedelta(days=(today.weekday() - _DAYS.index(day)) % 7)).isoformat()
    return {"today": today.isoformat(), "yesterday": (today - timedelta(days=1)).isoformat()}.get(day, day)
