"""The only writer to a task's thread: turns the agents' events into Slack calls, in order.

Progress while the task runs, the answer as it is written, then the files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from agents.events import AnswerText, Event, PlanChanged, WorkerStarted
from bot.thread import proposed_notes, question, texts
from bot.thread.answer import OutgoingMessage, duration, render
from bot.thread.draft import AnswerDraft
from bot.thread.files import FileDownloads
from bot.thread.history import ThreadHistory
from bot.thread.line import ProgressLine
from bot.thread.plan import Plan
from bot.thread.posts import ThreadPosts
from bot.thread.progress import ProgressMessage
from bot.thread.question import OpenQuestion
from bot.thread.replay import replay_events
from bot.thread.session import ThreadSession, status_after
from bot.thread.uploads import ThreadUploads
from bot.timing import STANDARD, BotTiming
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text, is_transient
from bot.wire.marks import DONE, NOTHING, QUESTION, READ, WARNING, MessageMarks
from bot.wire.reader import MessageReader
from bot.wire.text import escape, silence_mentions
from sandbox.files import SandboxFile
from tasks.message import FileRef
from tasks.run.thread import FileNotFetched, NotDelivered, Surroundings
from tasks.store.key_value import KeyValueStore
from tasks.store.participants import Participants
from tasks.store.preferences import FiguresMode
from tasks.store.proposals import NoteProposals
from tasks.store.queries import TaskQueries
from tasks.store.tasks import TaskStore
from tasks.task import Outcome, State, Task

log = structlog.get_logger(__name__)

#: The mark of the request after an outcome.
_MARKS = {State.ANSWERED: DONE, State.WAITING: QUESTION, State.STOPPED: NOTHING}


class SlackThread:
    """One thread for as long as a task runs (a `tasks.run.thread.Thread`)."""

    def __init__(
        self, client: SlackClient, store: TaskStore, task: Task, files: FileDownloads,
        uploads: ThreadUploads, reader: MessageReader, marks: MessageMarks, *, shows_plan: bool = True,
        shows_usage: bool = False, figures: FiguresMode = FiguresMode.ON, timing: BotTiming = STANDARD,
    ) -> None:  # fmt: skip
        self._timing = timing
        self._client = client
        self._store = store
        self._task = task
        self._files = files
        self._uploads = uploads
        self._reader = reader
        self._marks = marks
        self._shows_plan = shows_plan
        self._shows_usage = shows_usage
        self._figures = figures
        self._plan = Plan()
        self._posts = ThreadPosts(client, store, task, timing)
        self._line = ProgressLine(client, task, self._posts, timing)
        self._progress = ProgressMessage(client, task, self._posts, self._plan, self._line, timing)
        self._draft = AnswerDraft(client, task, self._posts, self._line, timing)
        self._session = ThreadSession(client, task, timing)
        self._aside = asyncio.Event()
        self._beginning: asyncio.Task[None] | None = None
        self._end: Outcome | None = None
        self._asked: OpenQuestion | None = None

    async def recall(self) -> None:
        """Read what an earlier run of the task has shown and asked."""
        self._asked = await question.find_open(self._store, self._task)
        if self._task.attempt > 1 and not self._task.state.is_ending:
            await self._marks.reopen(self._task.thread, self._task.message_ts)
        if await self._line.recall() | (self._shows_plan and await self._progress.recall()):
            for event in replay_events(await self._store.events(self._task.id)):
                self._plan.apply(event)
            if not self._task.state.is_ending and not self._task.deliveries:
                self._progress.touch()

    def emit(self, event: Event) -> None:
        match event:
            case AnswerText(text):
                self._draft.write(text)
            case WorkerStarted() | PlanChanged():
                # The turn's text was a remark before these calls, and not the answer.
                self._draft.write("")
                self._aside.set()
        if self._plan.apply(event) and self._shows_plan:
            self._progress.touch()

    async def show_events(self) -> None:
        """Show what is emitted, until cancelled."""
        async with asyncio.TaskGroup() as group:
            if not self._task.state.is_ending:
                self._beginning = group.create_task(safely(partial(self._session.begin, self._offer_stop)))
            parts = [self._close_question, self._draft.show_changes, self._discard_remarks]
            for part in [*parts, self._progress.show_changes] if self._shows_plan else parts:
                group.create_task(safely(part))

    def _offer_stop(self) -> None:
        """Slack shows no Stop button, so that progress has one."""
        self._progress.offers_stop = self._line.offers_stop = True

    async def fetch(self, file: FileRef, *, quiet: bool = False) -> SandboxFile:
        try:
            return await self._files.fetch(file)
        except FileNotFetched as reason:
            # Of a file outside of Slack the agents know the address, and can say what to do.
            if not (quiet or file.source.get("outside")):
                await self._post_unread(file, str(reason))
            raise

    async def transcript(self, file: FileRef) -> str:
        return await self._files.transcript(file)

    async def _post_unread(self, file: FileRef, reason: str) -> None:
        """Post once that a file could not be read, even if the agents also mention it."""
        text = escape(silence_mentions(texts.file_not_read(file.name, reason)))
        try:
            async with asyncio.timeout(self._timing.remark):
                await self._posts.post_once(f"unread:{file.id}", text=text)
        except (NotDelivered, *SLACK_ERRORS) as fault:
            log.info("notice about a file not posted", why=error_text(fault))

    async def surroundings(self, history: Sequence[Task]) -> Surroundings:
        found = await ThreadHistory(self._client, self._reader, self._task).read(history)
        people = {one.user: float(one.ts) for one in found.messages if not one.user.startswith("B")}
        kept = KeyValueStore(self._store.database, self._store.patience)
        participants = Participants(kept, self._timing.tasks)
        await participants.record(self._task.thread, people)
        return found

    async def mark_read(self, message_ts: str) -> None:
        if ":" in message_ts:
            return  # a click, which the question shows itself
        await safely(partial(self._marks.replace, self._task.thread, message_ts, READ))

    async def deliver(self, outcome: Outcome) -> None:
        state = outcome.state
        if self._beginning is not None:
            self._beginning.cancel()  # a late start must not overwrite the end
        self._line.is_closed = True
        waits = state is State.WAITING
        rendered = render(self._task, outcome, shows_usage=self._shows_usage, figures=self._figures)
        files = [*rendered.files, *outcome.files]
        try:
            if waits:
                # The plan goes on in another run, perhaps elsewhere, as soon as there is an answer.
                self._plan.pause()
                await self._progress.close(goes_on=True)
                await self._draft.discard()
                await self._line.delete()  # a question notifies people, and an edit would not
            await self._post_all(rendered.messages, status_after(state))
            await self._uploads.post(files, rendered.messages[-1])
            proposals = NoteProposals(self._store.database, self._store.patience)
            await proposed_notes.post(self._posts, proposals, self._task)
            if waits:
                await self._session.end(status_after(state))
        except NotDelivered as fault:
            if state is State.STOPPED and fault.for_good:
                return  # it was stopped because its message was deleted, or no one is left to read of it
            raise
        except SLACK_ERRORS as fault:
            if is_transient(fault):  # of the database too, whose connections raise the same errors
                raise NotDelivered(f"Slack or the database is away: {error_text(fault)}.") from fault
            raise NotDelivered(f"Slack refuses the answer: {error_text(fault)}.", for_good=True) from fault
        await safely(partial(self._mark, state))
        self._end = None if waits else outcome

    async def _mark(self, state: State) -> None:
        """Mark the request, and clear the follow-ups that were not read before a stop."""
        marks = {self._task.message_ts: _MARKS.get(state, WARNING)}
        if state in (State.STOPPED, State.EXPIRED):
            unread = await TaskQueries(self._store.database).inbox(self._task.id)
            marks = {**dict.fromkeys(unread, NOTHING), **marks}
        for ts, name in marks.items():
            if ":" not in ts:  # a click has no message
                await self._marks.replace(self._task.thread, ts, name)

    @property
    def is_over(self) -> bool:
        """Whether the task has ended and all that has to be in the thread is there."""
        return self._end is not None

    async def close_display(self) -> None:
        """Show in the plan and the session that the task has ended."""
        assert self._end is not None
        state = self._end.state
        self._plan.close(self._closing_title(self._end), answered=state is State.ANSWERED)
        await self._progress.close()
        if not self._draft.ended_session:
            await self._session.end(status_after(state))

    async def _post_all(self, messages: list[OutgoingMessage], session: str) -> None:
        """Post all messages, once. The session's state may go with one."""
        first, *others = messages
        for content in others if await self._draft.finish(first, session) else messages:
            await self._post(content)
        await self._line.delete()

    async def _post(self, content: OutgoingMessage) -> None:
        try:
            await self._posts.post_once(content.key, text=content.text, blocks=content.blocks)
        except SLACK_ERRORS as fault:
            # One mark in a long text may be what Slack refuses.
            log.error("Slack refuses a message, sent as plain text", key=content.key, why=error_text(fault))
            await self._posts.post_once(f"{content.key}:plain", text=escape(content.markdown))

    async def _discard_remarks(self) -> None:
        while True:
            await self._aside.wait()
            self._aside.clear()
            await self._draft.discard()

    async def _close_question(self) -> None:
        if self._asked is not None:
            await question.close(self._client, self._task, self._asked)

    def _closing_title(self, outcome: Outcome) -> str:
        took = duration(outcome.spent.seconds)
        match outcome.state:
            case State.ANSWERED:
                return texts.finished(self._plan.failed_rows, took)
            case State.STOPPED:
                return texts.stopped(took)
        return texts.failed(took)


async def safely(part: Callable[[], Awaitable[None]]) -> None:
    """Keep a fault in the display from ending the work."""
    try:
        await part()
    except Exception:
        log.exception("display of a task broken")
