"""The messages at the end of a task's run: an answer, a question, a failure, what a stop left."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count, islice

from agents.figures import CheckedFigures
from bot.thread import texts
from bot.thread.blocks import (
    SOURCES,
    Block,
    actions_block,
    button,
    context_block,
    decision_buttons,
    option_buttons,
    rating_buttons,
)
from bot.thread.tables import shorten_tables, text_blocks
from bot.wire.native_blocks import data_visualization
from bot.wire.text import escape, headings, one_plain_line, silence_mentions, split_markdown, truncate
from sandbox.files import SandboxFile
from tasks.store.preferences import FiguresMode
from tasks.task import Outcome, OutputFile, Spent, State, Task

#: The key of a question's post begins so; the attempt that asked it follows.
ASKED = "ask"
#: A longer answer is posted as a file, with its beginning as the message. So is one of more messages, which
#: has very many short paragraphs.
LONGEST, MOST_MESSAGES = 6_000, 3
_BEGINNING = 2_000
#: Figures without a source that an answer names.
_MOST_FIGURES = 20


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message: Markdown, the blocks below it, and the key by which it is posted once."""

    key: str
    markdown: str
    below: list[Block] = field(default_factory=list)

    @property
    def blocks(self) -> list[Block]:
        return self.blocks_with([])

    def blocks_with(self, pictures: list[Block]) -> list[Block]:
        """The blocks with pictures between the text and what is below it."""
        return [*text_blocks(self.markdown), *pictures, *self.below]

    @property
    def text(self) -> str:
        """Plain words, for notifications."""
        return truncate(one_plain_line(self.markdown)) or "…"


@dataclass(frozen=True, slots=True)
class RenderedAnswer:
    """All messages of an outcome in order, and what is too big for them as files."""

    messages: list[OutgoingMessage]
    files: list[OutputFile] = field(default_factory=list)


def render(
    task: Task, outcome: Outcome, *, shows_usage: bool = False, figures: FiguresMode = FiguresMode.ON
) -> RenderedAnswer:
    """The footer says the time; with `shows_usage` workers, tokens and money too. Keys are the same for each
    delivery of an outcome, so that no message is posted twice."""
    if outcome.state is State.WAITING:
        return RenderedAnswer([_question(task, outcome)])
    checked = None if figures is FiguresMode.OFF else outcome.figures
    whole = _with_unfound(_markdown(outcome), checked, on_top=figures is FiguresMode.STRICT)
    shortened, files = shorten_tables(whole, partial(_free_name, outcome))
    markdown = silence_mentions(shortened)
    charts = outcome.charts if outcome.state is State.ANSWERED else ()
    below = [*map(data_visualization, charts), *_footer(task, outcome, checked, shows_usage=shows_usage)]
    pieces = split_markdown(markdown)
    if len(markdown) > LONGEST or len(pieces) > MOST_MESSAGES:
        path = _free_name(outcome, "answer.md")
        files = [OutputFile(path=path, data=SandboxFile.of(whole.encode()))]
        pieces = [_summary(markdown, path)]
    last = len(pieces) - 1
    return RenderedAnswer(
        [
            OutgoingMessage(f"end:{number}", piece, below if number == last else [])
            for number, piece in enumerate(pieces)
        ],
        files,
    )


def _markdown(outcome: Outcome) -> str:
    match outcome.state:
        case State.STOPPED:
            return f"**{outcome.reason}**\n\n{outcome.text}".strip()
        case State.EXPIRED:
            return f"**{texts.EXPIRED}**\n\n{outcome.text}".strip()
        case State.FAILED:
            return "\n\n".join(filter(None, [outcome.text, f":warning: {outcome.reason}"]))
    return "\n\n".join(filter(None, [outcome.text, outcome.reason and f"_{outcome.reason}_"])) or "…"


def _free_name(outcome: Outcome, name: str) -> str:
    """`answer.md`, or `answer 2.md` if the task has made a file of that name: a path is posted once."""
    stem, _, ending = name.rpartition(".")
    names = chain([name], (f"{stem} {number}.{ending}" for number in count(2)))
    made = {file.path for file in outcome.files}
    return next(name for name in names if name not in made)


def _summary(markdown: str, whole: str) -> str:
    """The beginning of a long answer, and the headings that follow."""
    beginning = split_markdown(markdown, _BEGINNING)[0]
    later = list(islice(headings(markdown, len(beginning)), 20))
    contents = texts.further_headings(later) if later else ""
    return "\n\n".join(filter(None, [beginning, contents, texts.full_answer(whole, len(markdown))]))


def _question(task: Task, outcome: Outcome) -> OutgoingMessage:
    if outcome.approval:
        buttons = decision_buttons(task, outcome.approval)
        hint = texts.only_requester_can_press(escape(task.user_name))
    else:
        buttons = option_buttons(task, outcome.options)
        hint = texts.CHOOSE_OR_ANSWER if buttons else texts.ANSWER_HERE
    below: list[Block] = [actions_block(*buttons)] if buttons else []
    question = silence_mentions(outcome.text)[:11_000] or "…"
    return OutgoingMessage(f"{ASKED}:{task.attempt}", question, [*below, context_block(hint)])


def _with_unfound(text: str, checked: CheckedFigures | None, *, on_top: bool) -> str:
    if checked is None or not checked.unfound:
        return text
    named = ", ".join(checked.unfound[:_MOST_FIGURES])
    note = texts.figures_without_source(len(checked.unfound), named)
    return f"**:warning: {note}**\n\n{text}" if on_top else f"{text}\n\n_{note}_"


def _footer(
    task: Task, outcome: Outcome, checked: CheckedFigures | None, *, shows_usage: bool
) -> list[Block]:
    spent = used(outcome.spent) if shows_usage else duration(outcome.spent.seconds)
    if outcome.hosts:
        spent += f" · {texts.reached(outcome.hosts)}"
    if outcome.state is State.FAILED:
        id_ = texts.task_id(task.id)
        return [context_block(f"{spent} · {id_}" if outcome.spent.tokens else id_)]
    ratings = [rating_buttons(task.id)] if outcome.state is State.ANSWERED else []
    if checked is None or not checked.found:
        return [context_block(spent), *ratings]
    count = len(checked.found)
    shown = spent
    if not checked.unfound:
        shown += f" · {texts.figures_with_source(count, runs_only=checked.are_all_from_runs)}"
    return [context_block(shown), actions_block(button(texts.SOURCES, SOURCES, task.id)), *ratings]


def used(spent: Spent) -> str:
    """What a task took, in one line."""
    cost = spent.cost
    money = [] if cost is None else [f"${cost:.2f}" if cost >= 0.005 else texts.LESS_THAN_A_CENT]
    took = [texts.workers(spent.workers), duration(spent.seconds), texts.tokens(spent.tokens)]
    return " · ".join([*took, *money])


def duration(seconds: float) -> str:
    """`7.4 s`, `3 min 20 s`, `5 h 10 min` or `2 d 4 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")]
    at = next(number for number, (size, _) in enumerate(units) if seconds >= size)
    (large, name), (small, rest) = units[at : at + 2]
    return f"{int(seconds // large)} {name} {int(seconds % large // small)} {rest}"
