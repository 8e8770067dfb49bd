"""What the tools that read Slack say to the model, for the person who asked."""

from __future__ import annotations

NO_CHANNEL = (
    "There is no such channel that I am in and that everyone who wrote in this task may read. Someone in it "
    "can invite me there with /invite."
)
PRIVATE = (
    "That channel is private, and others can read this thread. Its messages can be shown in the channel "
    "itself or in a direct message: ask the person to ask you there."
)
EXTERNAL = (
    "This channel is shared with another company, so messages of other channels can't be shown here. Ask the "
    "person to ask you in a direct message."
)
NO_PERMALINK = (
    "That is no link to a Slack message. It looks like "
    "https://example.slack.com/archives/C0123456789/p1700000000000000."
)
SEARCH_OVER = (
    "Slack's permission to search came with the question and is over. A new message to me brings a new one."
)
WRONG_TIME = "since must be a date or time such as 2026-11-23 or 2026-11-23T09:00."
NO_MESSAGES = "There are no messages."
NO_RESULTS = "Nothing was found."


def slack_refuses(code: str) -> str:
    return f"Slack did not answer this ({code}). Go on without it, or say that it could not be read."


def lacks_scope(scope: str) -> str:
    return f"The Slack app lacks the scope {scope}. An admin has to add it and install the app again."


def heading(place: str, count: int, zone: str) -> str:
    return f"{messages(count)} of {place}, oldest first. Times are in {zone}."


def found(count: int) -> str:
    return f"{messages(count)} found, the best first."


def messages(count: int) -> str:
    return f"{count:,} message{'' if count == 1 else 's'}"


def replies(count: int) -> str:
    return f"{count:,} {'reply' if count == 1 else 'replies'}"


def older(count: int) -> str:
    return (
        f"[There are older ones: these are the newest {count:,}. Raise limit, or read from an earlier since.]"
    )


def left_out(count: int) -> str:
    return f"[{messages(count)} in the middle of the thread left out]"


def hidden(count: int) -> str:
    return f"[{count:,} more in channels that can't be shown here]"
