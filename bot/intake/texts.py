"""What people read in answer to a message. A team translates Handoff here.

Texts are mrkdwn unless a comment says otherwise, and their arguments come escaped.
"""

from __future__ import annotations

# Who may do what.
CHANNEL_NOT_ALLOWED = "I don't take tasks in this channel."
PERSON_NOT_ALLOWED = "You're not on the list of people I take tasks from here. Ask the person who runs me."
MEMBERS_ONLY = "I only take tasks from members of this workspace."
NO_GUESTS = "I don't take tasks from guests of this workspace."
APP_NOT_ALLOWED = "Messages of this app don't start tasks here."
PERSON_NOT_DESCRIBED = (
    "Slack doesn't let me look up who you are, so I can't take this. Handoff's operator has to check the "
    "app's permissions."
)
PERSON_UNKNOWN = "Slack doesn't show me your profile right now. Please try again in a moment."
PERSON_UNKNOWN_YET = "Slack doesn't show me your profile right now. I'll start as soon as it does."


def over_token_limit(used: int, limit: int) -> str:
    return f"You've reached your daily limit ({used:,} of {limit:,} tokens in the last 24 hours)."


def over_cost_limit(used: float, limit: float) -> str:
    return f"You've reached your daily limit (${used:.2f} of ${limit:.2f} in the last 24 hours)."


def over_channel_cost_limit(used: float, limit: float) -> str:
    return f"This channel has reached its daily limit (${used:.2f} of ${limit:.2f} in the last 24 hours)."


def only_requester_can_stop(name: str) -> str:
    return f"Only {name} or a workspace admin can stop this task."


def only_requester_can_decide(name: str) -> str:
    return f"Only {name} or a workspace admin can decide this."


# Messages.
HELP = (
    "Mention me with a task, and I'll get it done in this thread with a team of workers. For example:\n"
    "• _Execute hello world in Python_\n"
    "• _Plot the main trends of this table_ (with a CSV attached)\n"
    "Reply here to steer me while I work, or `stop` to stop me. With `!mute` I wait for a mention. "
    "`/handoff help` lists everything else."
)
MENTION_ME = "Other people write in this thread, so I only answer when you mention me."
LATE_EDIT = "I've already started on this, so I won't see your edit. Reply in the thread with what changed."
LATE_FILES = "The files of this message reached me after my answer. Reply here, and I'll work with them."
MUTE_IN_A_THREAD = "Write `!mute` or `!unmute` in the thread that you mean."
MUTED = "Muted: I'll only answer in this thread when you mention me. `!unmute` undoes this."
UNMUTED = "Unmuted: I'll answer replies here again."
PRESS_A_BUTTON = "I'm waiting for a decision: please press a button above. I'll read your reply after that."


def queued(ahead: int) -> str:
    """`ahead`: the tasks before this one, at least one."""
    return f"You're in the queue: {ahead} {'task is' if ahead == 1 else 'tasks are'} ahead of yours."


# Stopping.
NOTHING_TO_STOP = "There's nothing to stop here."
DELETED = "Stopped: the message was deleted."


def stopped_by(name: str) -> str:
    """Plain text: the reason that a stopped task keeps."""
    return f"Stopped by {name}."


def several_running(count: int) -> str:
    return (
        f"You have {count} running tasks here. Reply `stop` in a task's thread, or pick one with "
        "`/handoff stop`."
    )


# Notes.
NOTE_USAGE = (
    "I read a channel's notes before every task in it. `!note` lists them, `!note add Amounts are in euros` "
    "adds one, `!note edit 2 Other words` changes one, and `!note delete 2` removes one."
)
NO_NOTES = f"This channel has no notes. {NOTE_USAGE}"
NOTES = "Notes of this channel:"


def note_added(name: str, number: int, text: str) -> str:
    return f"{name} added note {number}: {text}"


def note_changed(name: str, number: int, text: str) -> str:
    return f"{name} changed note {number}: {text}"


def note_deleted(name: str, number: int) -> str:
    return f"{name} deleted note {number}."


def note_line(number: int, text: str, name: str) -> str:
    return f"{number}. {text} — {name}"


def note_unknown(number: int) -> str:
    return f"This channel has no note {number}. `!note` lists its notes."


def note_too_long(length: int, limit: int) -> str:
    return f"A note can have {limit} characters, and this one has {length:,}. Nothing was changed."


def too_many_notes(limit: int) -> str:
    return f"This channel already has {limit} notes. Delete one first: `!note` lists them."
