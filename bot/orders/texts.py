"""What people read about standing orders. mrkdwn; arguments come escaped."""

from __future__ import annotations

START, DISCARD = "Start", "Discard"
PAUSE, RESUME, RUN_NOW, DELETE = "Pause", "Resume", "Run now", "Delete"
NO_ORDERS = "You have no standing orders. Ask for one: “every weekday at 8 post the open tickets here”."
HOME_ORDERS = "Standing orders"
ONLY_OWNER = "Only the person who asked for this standing order can do that."
ORDER_GONE = "This standing order is gone, or it's already running. Nothing was changed."
DISCARDED = "*Discarded.* Nothing was started."
DELETED, PAUSED, RUNS = "Deleted.", "Paused.", "It runs now."
NOT_RUNNING = "Only a schedule that is active can run now, and once in a second."
TIME_PASSED = "Its time has passed. Ask for it again."
ONCE, EVERY_MESSAGE = "once", "every message"
ORDER_USAGE = "Write `/handoff orders`, or `/handoff orders pause|resume|run|delete &lt;id&gt;`."
OWNER_LEFT = "its owner is no longer in this workspace"
NOT_IN_CHANNEL = "I'm not in its channel any more; invite me again"
CHANNEL_GONE = "its channel is gone, or I was removed from it"
CHANNEL_ARCHIVED = "its channel is archived"
CANT_POST = "a setting of the workspace keeps me from posting in its channel"


def started(name: str, following: str) -> str:
    """`following`: when it runs next, or empty for a watch."""
    return f"*Started by {name}.*{f' Next: {following}.' if following else ''}"


def too_many(limit: int) -> str:
    return f"You have {limit} standing orders, and more can't be active. Pause or delete one first."


def proposal(title: str, times: str, channel: str, task: str) -> str:
    """`times`: when it runs; `task`: quoted lines."""
    return f"*{title}*\n{times}, in {channel}\n{task}"


def next_runs(times: str) -> str:
    return f"Next: {times}"


def cost(run: int, day: int) -> str:
    return (
        f"It may use {run:,} tokens a run and {day:,} a day; your own limits hold too. "
        "You and workspace admins can pause or delete it in App Home or with `/handoff orders`."
    )


def on_messages(what: str, whose: str) -> str:
    """`what`: the messages a watch takes; `whose`: of people or apps, or empty."""
    return f"For {what} {whose}".strip()


def with_words(words: str) -> str:
    return f"messages with {words}"


def of_source(source: str) -> str:
    return f"of {source}"


def at_most(count: int) -> str:
    return f"At most {count} runs an hour."


def fired(title: str, owner: str) -> str:
    """`owner`: a mention of the owner."""
    return f":alarm_clock: *{title}* · standing order of {owner}"


def made_up(missed: int) -> str:
    return f"Makes up for {missed} missed run{'s' if missed > 1 else ''} too."


def paused(title: str, why: str) -> str:
    return f"I paused the standing order *{title}*: {why}. Resume it in App Home or with `/handoff orders`."


def order_line(id_: str, title: str, times: str, state: str) -> str:
    return f"`{id_}` *{title}* · {times}{f' · {state}' if state else ''}"


def state_paused(why: str) -> str:
    return f"paused: {why}" if why else "paused"


def last_result(result: str, when: str) -> str:
    return f"Last run: {result}, {when}"
