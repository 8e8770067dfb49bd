"""Requests for standing orders: "every weekday at 8 …", "whenever an app posts in #alerts …"."""

from __future__ import annotations

import re
from datetime import date, timedelta

from playground.demo_model.answers import LABEL
from playground.demo_model.conversation import Conversation, MessageEntry, Reply, ToolUse

SCHEDULE, WATCH = "create_schedule", "create_watch"
STARTED_BY_YOU = "I proposed it. Press *Start* above, and it begins."
#: The last note in the words of a run's task.
RUN = "[This is a run of the standing order "

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_OF_WEEK = {"day": "*", "weekday": "1-5", "morning": "*", **{day: str(n) for n, day in enumerate(_DAYS)}}
_TIME = r"(?:at )?(?P<hour>[01]?\d|2[0-3])(?::(?P<minute>[0-5]\d))?(?: ?(?P<half>[ap]m))?(?: o'clock)?"
_DAILY = re.compile(rf"(?i)\bevery (?P<day>{'|'.join(_OF_WEEK)})s?,? {_TIME}\b")
_HOURLY = re.compile(r"(?i)\bevery (?:hour|(?P<count>[1-5]?\d) minutes)\b")
_ONCE = re.compile(rf"(?i)\b(?:(?P<day>today|tomorrow)|on (?P<date>\d{{4}}-\d\d-\d\d)),? {_TIME}\b")
_WATCH = re.compile(
    r"(?is)\b(?:whenever|each time|every time) (?P<who>somebody|someone|anybody|anyone|an? app|a person)\s+"
    r"(?:posts|writes|says|asks)(?: something)?(?: about (?P<before>[^#,]+?))? in #(?P<channel>[\w-]+)"
    r"(?: \(topic: [^)]*\))?(?: about (?P<after>[^,]+))?,\s*(?P<task>.+)"
)


def reply(conversation: Conversation, request: str) -> Reply | None:
    """The next turn for a request for a standing order; None for another one."""
    made = (*conversation.calls(SCHEDULE), *conversation.calls(WATCH))
    if made:
        result = made[-1].result or ""
        said = result.removeprefix("Error: ") if result.startswith("Error: ") else STARTED_BY_YOU
        return Reply(f"{said}\n\n{LABEL}")
    call = _watch(conversation, request) or _schedule(conversation, request)
    return Reply("", (call,)) if call else None


def is_run(conversation: Conversation) -> bool:
    """Whether a standing order asks, and no person waits."""
    return any(RUN in entry.text for entry in conversation.task if isinstance(entry, MessageEntry))


def _watch(conversation: Conversation, request: str) -> ToolUse | None:
    found = _WATCH.search(request)
    if found is None or WATCH not in conversation.tools:
        return None
    who = found["who"].lower()
    return conversation.arguments(
        WATCH,
        channel=f"#{found['channel']}",
        task=_task(found["task"]),
        pattern=re.sub(r"^(?:an?|the) | or ", " ", found["before"] or found["after"] or "").strip(),
        source="apps" if who.endswith("app") else "people" if who == "a person" else "all",
    )


def _schedule(conversation: Conversation, request: str) -> ToolUse | None:
    if SCHEDULE not in conversation.tools:
        return None
    for times, spelled in ((_DAILY, _daily), (_HOURLY, _hourly), (_ONCE, _once)):
        if found := times.search(request):
            task = _task(request[: found.start()] + request[found.end() :])
            when = spelled(found, _today(conversation))
            return conversation.arguments(SCHEDULE, task=task, when=when) if task and when else None
    return None


def _daily(found: re.Match[str], today: date) -> str:
    hour, minute = _clock(found)
    return f"{minute} {hour} * * {_OF_WEEK[found['day'].lower()]}"


def _hourly(found: re.Match[str], today: date) -> str:
    return f"*/{int(found['count'])} * * * *" if found["count"] else "0 * * * *"


def _once(found: re.Match[str], today: date) -> str:
    hour, minute = _clock(found)
    day = found["date"] or (today + timedelta(days=found["day"].lower() == "tomorrow")).isoformat()
    return f"{day}T{hour:02}:{minute:02}"


def _clock(found: re.Match[str]) -> tuple[int, int]:
    hour, half = int(found["hour"]), (found["half"] or "").lower()
    return (hour % 12 + 12 * (half == "pm") if half else hour), int(found["minute"] or 0)


def _today(conversation: Conversation) -> date:
    """The day of the newest request; the machine's where it has no note of that."""
    return conversation.asked_on or date.today()


def _task(words: str) -> str:
    """What is left of a request without its time."""
    task = re.sub(r"(?i)^(?:please|and|then)\b", "", " ".join(words.split()).strip(" ,.:;")).strip(" ,")
    return task[:1].upper() + task[1:]
