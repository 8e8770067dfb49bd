"""The messages in which a task ends: answer, question, failure, what a stop left.

Pure: an outcome in, the content of posts out. Never calls Slack.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count, islice
from typing import Any

from bot.wire.text import escape, headings, silence_mentions, split_markdown, truncate
from sandbox.files import SandboxFile
from tasks.task import Outcome, OutputFile, Spent, State, Task

Block = dict[str, Any]
FEEDBACK = "handoff_feedback"
ANSWER = "handoff_answer"
#: What the key of a question's post begins with; the attempt that asked it follows.
ASKED = "ask"
#: Below a question without buttons, as long as it is open.
ANSWER_HERE = "Answer here in the thread."
STOP = "handoff_stop"
APPROVE, DENY = "handoff_approve", "handoff_deny"
#: An answer of more messages than this comes as a file, with its beginning as the message.
MOST_MESSAGES = 3
_BEGINNING = 2_000


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message: Markdown, what stands below it, and what ties it to the task."""

    key: str
    markdown: str
    below: list[Block] = field(default_factory=list)

    @property
    def blocks(self) -> list[Block]:
        return [markdown_block(self.markdown), *self.below]

    @property
    def text(self) -> str:
        """The plain text, for notifications."""
        return truncate(self.markdown)


@dataclass(frozen=True, slots=True)
class RenderedAnswer:
    """All that is said of an outcome: messages in order, then the answer as a file if it is too long."""

    messages: list[OutgoingMessage]
    whole: OutputFile | None = None


def render(task: Task, outcome: Outcome) -> RenderedAnswer:
    """What to say. Keys are stable, so a repeated delivery is recognised."""
    if outcome.state is State.WAITING:
        return RenderedAnswer([_question(task, outcome)])
    words = silence_mentions(_words(outcome))
    below = list(_footer(task, outcome))
    spoken = split_markdown(words)
    if len(spoken) > MOST_MESSAGES:
        whole = OutputFile(path=_free_name(outcome), data=SandboxFile.of(words.encode()))
        return RenderedAnswer([OutgoingMessage("end:0", _summary(words, whole.path), below)], whole)
    last = len(spoken) - 1
    return RenderedAnswer(
        [
            OutgoingMessage(f"end:{number}", part, below if number == last else [])
            for number, part in enumerate(spoken)
        ]
    )


def _words(outcome: Outcome) -> str:
    match outcome.state:
        case State.STOPPED | State.EXPIRED:
            word = "Stopped" if outcome.state is State.STOPPED else "Ended"
            return f"**{word}:** {outcome.reason.rstrip('.')}.\n\n{outcome.text}".strip()
        case State.FAILED:
            return "\n\n".join(filter(None, [outcome.text, f":warning: {outcome.reason}"]))
    return "\n\n".join(filter(None, [outcome.text, outcome.reason and f"_{outcome.reason}_"])) or "…"


def _free_name(outcome: Outcome) -> str:
    """`answer.md`, unless the task has made a file of that name: a path is posted once."""
    names = chain(["answer.md"], (f"answer {number}.md" for number in count(2)))
    made = {file.path for file in outcome.files}
    return next(name for name in names if name not in made)


def _summary(words: str, whole: str) -> str:
    """How a long answer begins and what it goes on with."""
    beginning = split_markdown(words, _BEGINNING)[0]
    later = list(islice(headings(words, len(beginning)), 20))
    contents = "\n".join(f"- {title}" for title in later)
    pieces = [beginning, f"**Further on:**\n{contents}" if contents else ""]
    pieces.append(f"_The whole answer has {len(words):,} characters: see {whole}._")
    return "\n\n".join(filter(None, pieces))


def _question(task: Task, outcome: Outcome) -> OutgoingMessage:
    buttons = [
        button(
            option, f"{ANSWER}:{number}", {"task": task.id, "attempt": task.attempt, "option": option[:1500]}
        )
        for number, option in enumerate(outcome.options)
    ]
    hint = "Choose one, or answer here in the thread." if buttons else ANSWER_HERE
    if approval := outcome.approval:
        buttons = _decision(task, approval)
        hint = f"{escape(task.user_name)} or an admin of the workspace decides. Writing instead counts as no."
    below: list[Block] = [{"type": "actions", "elements": buttons}] if buttons else []
    question = silence_mentions(outcome.text)[:11_000] or "…"
    return OutgoingMessage(f"{ASKED}:{task.attempt}", question, [*below, context_block(hint)])


def _decision(task: Task, approval: str) -> list[Block]:
    value = {"task": task.id, "approval": approval}
    return [
        button("Approve", APPROVE, value, style="primary"),
        button("Deny", DENY, value, style="danger"),
    ]


def _footer(task: Task, outcome: Outcome) -> Iterator[Block]:
    yield context_block(used(outcome.spent))
    if outcome.state is State.ANSWERED:
        yield _feedback(task.id)


def used(spent: Spent) -> str:
    """What a task took, in one line."""
    workers = f"{spent.workers} worker{'' if spent.workers == 1 else 's'}"
    cost = spent.cost
    money = [] if cost is None else [f"${cost:.2f}" if cost >= 0.005 else "less than 1 ¢"]
    return " · ".join([workers, duration(spent.seconds), f"{spent.tokens:,} tokens", *money])


def duration(seconds: float) -> str:
    """`7.4 s`, `3 min 20 s`, `5 h 10 min` or `2 d 4 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")]
    at = next(number for number, (size, _) in enumerate(units) if seconds >= size)
    (large, name), (small, rest) = units[at : at + 2]
    return f"{int(seconds // large)} {name} {int(seconds % large // small)} {rest}"


def markdown_block(text: str) -> Block:
    return {"type": "markdown", "text": text}


def context_block(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def button(text: str, action: str, value: dict[str, Any] | str, **style: Any) -> Block:
    """A button's text holds 75 characters and its value 2,000 (docs.slack.dev, button element)."""
    words = text if len(text) <= 75 else text[:74] + "…"
    label = {"type": "plain_text", "text": words.strip() or "…", "emoji": False}
    carried = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {"type": "button", "text": label, "action_id": action, "value": carried, **style}


def stoppable(blocks: list[Block], text: str, task: Task) -> list[Block]:
    """What a message under way shows, or its text where that is all, with a Stop button below."""
    words = {"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}
    stop = button("Stop", STOP, task.id, style="danger")
    return [*(blocks or [words]), {"type": "actions", "elements": [stop]}]


def _feedback(task: str) -> Block:
    def verdict(text: str, word: str) -> Block:
        return {"text": {"type": "plain_text", "text": text}, "value": f"{word}:{task}"}

    buttons = {
        "type": "feedback_buttons",
        "action_id": FEEDBACK,
        "positive_button": verdict("Good answer", "good"),
        "negative_button": verdict("Bad answer", "bad"),
    }
    return {"type": "context_actions", "elements": [buttons]}
