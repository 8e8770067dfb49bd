"""What people read in answer to a click, `/handoff` or the shortcut, and in App Home.

Texts are mrkdwn unless a comment says otherwise, and their arguments come escaped.
"""

from __future__ import annotations

# Buttons.
NOT_MY_BUTTON = "This button isn't for a task of mine."
QUESTION_CLOSED = "This question is closed. Nothing was changed."
THANKS = "Thanks for the feedback."
# The form behind 👎. Plain text.
WHY_TITLE, WHY_SEND, WHY_SKIP = "What went wrong?", "Send", "Skip"
WHY_LABEL = "What was wrong or missing? The people who run me read this."


def decided_by(name: str, *, approved: bool) -> str:
    return f"*{'Approved' if approved else 'Denied'} by {name}*"


def already_decided(name: str, *, approved: bool) -> str:
    return f"Already {'approved' if approved else 'denied'} by {name}."


def already_answered(name: str) -> str:
    return f"{name} has already answered this."


def option_chosen(name: str, option: str) -> str:
    return f"*{name}:* {option}"


# The button Sources.
SOURCES_GONE = "The log of this task is no longer kept."


def source(figure: str, where: str, line: str) -> str:
    return f"*{figure}* · {where}: `{line}`"


def source_run(number: int, worker: str) -> str:
    return f"{worker}, run {number}"


def source_tool(number: int, worker: str) -> str:
    return f"{worker}, tool result {number}"


def source_report(number: int, worker: str) -> str:
    return f"the report of {worker}, and no run"


def source_read(number: int, worker: str) -> str:
    return "a file or message that I read"


def no_source(figure: str) -> str:
    return f"*{figure}* · no source"


def more_figures(count: int) -> str:
    return f"{count:,} more"


# `/handoff` and the message shortcut.
COMMANDS = (
    "`/handoff &lt;task&gt;` starts a task in this channel.\n"
    "`/handoff status` lists what is running here, `/handoff runs` your latest tasks.\n"
    "`/handoff stop` stops your task in this channel, `/handoff stop &lt;id&gt;` a certain one.\n"
    "`/handoff orders` lists your standing orders; `pause`, `resume`, `run` or `delete` with an id.\n"
    "`/handoff set` shows this channel's settings and how to change them.\n"
    "In a thread: reply to steer me, `stop` to stop me, `!mute` and `!unmute` to have me wait for a mention. "
    "Where other people write too, I wait for one anyway.\n"
    "`!note` lists the notes that I read before every task in this channel, and shows how to add one."
)
NOT_IN_CHANNEL = "I'm not in this channel. Invite me with `/invite @Handoff`, then try again."
NOTHING_RUNNING_IN_CHANNEL = "Nothing is running in this channel."
NO_TASKS_YET = "You haven't given me a task yet."
NO_TASK_OF_YOURS = "You have no running task in this channel."
WHICH_TASK = "Which one? Write `/handoff stop &lt;id&gt;`:"
CHANNEL_SETTINGS = "This channel's settings:"
EMPTY_MESSAGE = "There's nothing in this message that I can work on."
ALREADY_HANDED_OFF = "I already have this message."
QUEUED, RUNNING, WAITING, A_FILE = "queued", "running", "waiting for an answer", "a file"


def did_you_mean(command: str) -> str:
    return f"Did you mean `/handoff {command}`? To start a task with that name, mention me."


def unknown_task(id_: str) -> str:
    return f"I don't know a task `{id_}`. `/handoff status` lists them."


def setting(name: str, value: str, values: str) -> str:
    """`values`: those that the command takes, with `|` between them."""
    return f"• `{name}` is *{value}* — `/handoff set {name} {values}`"


def setting_can_be(name: str, values: str) -> str:
    return f"`{name}` can be {values}."


def unknown_setting(name: str) -> str:
    return f"There's no setting `{name}`."


def task_from(user: str, request: str) -> str:
    """`user`: a mention of the requester; `request`: quoted lines."""
    return f"Task from {user}:\n{request}"


def handed_off_by(user: str) -> str:
    return f"Handed off by {user}."


def not_posted(why: str) -> str:
    """`why`: Slack's error code, or empty."""
    return (
        f"Slack didn't take the message{f' ({why})' if why else ''}. Nothing was started; please try again."
    )


# App Home.
HOME_RUNNING, HOME_RECENT, HOME_USAGE = "Running", "Recent", "Usage and settings"
HOME_NOTHING_RUNNING = "Nothing is running. Mention me in a channel, or write to me under *Messages*."
HOME_NO_TASKS = "None of your tasks has ended yet."
HOME_TIMELINE = "*Your newest task, agent by agent*"
COST_UNKNOWN = "Cost: not known for this model."
HOME_QUEUED = ":hourglass_flowing_sand: queued"
HOME_AT_WORK = ":gear: running"
HOME_WAITING = ":speech_balloon: waiting for an answer"
HOME_ANSWERED = ":white_check_mark: answered"
HOME_STOPPED = ":octagonal_sign: stopped"
HOME_FAILED = ":warning: failed"
HOME_EXPIRED = ":zzz: no one answered"


def home_tokens(day: int, week: int) -> str:
    return f"Tokens: *{day:,}* in the last 24 hours, *{week:,}* in 7 days."


def home_cost(day: float, week: float) -> str:
    return f"Cost: *${day:.2f}* in the last 24 hours, *${week:.2f}* in 7 days."


def home_settings(model: str, task_tokens: int, daily_tokens: int) -> str:
    """`daily_tokens`: 0 where there is no limit."""
    daily = f"{daily_tokens:,} tokens a day" if daily_tokens else "no daily limit"
    return f"Model: {model} · {task_tokens:,} tokens a task · {daily} · a channel's settings: `/handoff set`"


# A proposed note, and notes in App Home.
HOME_NOTES = "Your notes"
HOME_NOTES_HINT = (
    "The notes you wrote, newest first: I read a channel's notes before each task there, and those without a "
    "channel in our direct messages. `!note add …` there adds one."
)
EDIT, DELETE = "Edit", "Delete"
NOTE_TITLE, NOTE_LABEL = "Edit the note", "Note"
NOTE_SAVE, NOTE_CANCEL = "Save", "Cancel"
NOTE_GONE = "This note is not there any more."


def no_room_for_note(limit: int) -> str:
    return f"This channel already has {limit} notes. Delete one with `!note delete`, then press Keep again."


def note_decided(name: str, *, kept: bool) -> str:
    return f"*Kept by {name}.* `!note` lists this channel's notes." if kept else f"*Discarded by {name}.*"
