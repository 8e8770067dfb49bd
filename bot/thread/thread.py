"""The only writer to a task's thread: progress while it runs, the answer as it is written, then the files.

Turns the agents' events into Slack calls, in order and at Slack's pace. Never decides what a task does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import structlog

from agents.events import AnswerText, Event, PlanChanged, WorkerStarted
from agents.excerpt import one_line
from bot.thread import question
from bot.thread.answer import OutgoingMessage, duration, render
from bot.thread.draft import AnswerDraft
from bot.thread.files import ThreadFiles
from bot.thread.history import read_history
from bot.thread.plan import Plan
from bot.thread.posts import ThreadPosts
from bot.thread.progress import ProgressMessage
from bot.thread.replay import replay_events
from bot.timing import STANDARD, BotTiming
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text
from bot.wire.clients import Clients
from bot.wire.text import escape, one_plain_line, silence_mentions
from bot.wire.users import UserDirectory
from sandbox.files import SandboxFile
from tasks.message import FileRef, Message
from tasks.run.thread import FileNotFetched, NotDelivered
from tasks.store.key_value import KeyValueStore
from tasks.store.participants import Participants
from tasks.store.preferences import ChannelPreferences, ProgressMode
from tasks.store.tasks import TaskStore
from tasks.task import Outcome, State, Task

log = structlog.get_logger(__name__)

#: What a session shows after each outcome (docs.slack.dev, agents.sessions.setStatus).
_SESSION = {State.WAITING: "suspended"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackThreads:
    """Opens the threads of tasks. `store` is where posts are written down; sizes are bytes of one file."""

    clients: Clients
    http: aiohttp.ClientSession
    store: TaskStore
    preferences: ChannelPreferences
    largest_in: int
    largest_out: int
    timing: BotTiming = STANDARD

    @asynccontextmanager
    async def open(self, task: Task) -> AsyncIterator[SlackThread]:
        client = await self.clients.of(task.thread.team)
        files = ThreadFiles(
            client, self.http, self.store, task, largest_in=self.largest_in, largest_out=self.largest_out
        )
        shows = await self.preferences.progress(task.thread)
        people = UserDirectory(self.clients, self.timing)
        thread = SlackThread(
            client, self.store, task, files, people, shows_plan=shows is ProgressMode.FULL, timing=self.timing
        )
        await _safely(thread.recall)
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(thread.write())
            try:
                yield thread
            finally:
                writing.cancel()


class SlackThread:
    """One thread for as long as a task runs (a `tasks.run.thread.Thread`)."""

    def __init__(
        self, client: SlackClient, store: TaskStore, task: Task, files: ThreadFiles, people: UserDirectory, *,
        shows_plan: bool = True, timing: BotTiming = STANDARD,
    ) -> None:  # fmt: skip
        self._timing = timing
        self._client = client
        self._store = store
        self._task = task
        self._files = files
        self._people = people
        self._shows_plan = shows_plan
        self._plan = Plan()
        self._posts = ThreadPosts(client, store, task, timing)
        self._progress = ProgressMessage(client, task, self._posts, self._plan, timing)
        self._draft = AnswerDraft(client, task, self._posts, timing)
        self._aside = asyncio.Event()
        self._beginning: asyncio.Task[None] | None = None
        self._asked = ""

    async def recall(self) -> None:
        """Go on with the plan that an earlier run of the task has shown, and know what it had asked."""
        self._asked = await question.find_open(self._store, self._task)
        if self._shows_plan and await self._progress.recall():
            for event in replay_events(await self._store.events(self._task.id)):
                self._plan.apply(event)
            if not self._task.state.is_ending and not self._task.deliveries:
                self._progress.touch()

    def emit(self, event: Event) -> None:
        match event:
            case AnswerText(text):
                self._draft.write(text)
            case WorkerStarted() | PlanChanged():
                # The turn's text was a remark on its way to these, and not the answer.
                self._draft.write("")
                self._aside.set()
        if self._plan.apply(event) and self._shows_plan:
            self._progress.touch()

    async def write(self) -> None:
        """Show what is emitted, until cancelled."""
        async with asyncio.TaskGroup() as group:
            if not self._task.state.is_ending:
                self._beginning = group.create_task(_safely(self._begin_session))
            for part in (self._close_question, self._progress.run, self._draft.run, self._set_aside):
                group.create_task(_safely(part))

    async def fetch(self, file: FileRef) -> SandboxFile:
        try:
            return await self._files.fetch(file)
        except FileNotFetched as reason:
            await self._tell_unread(file, str(reason))
            raise

    async def _tell_unread(self, file: FileRef, reason: str) -> None:
        """Say it here, once: whether the agents say it too is theirs to decide."""
        text = escape(silence_mentions(f"{file.name} could not be read: {reason}."))
        try:
            async with asyncio.timeout(self._timing.remark):
                await self._posts.post_once(f"unread:{file.id}", text=text)
        except (NotDelivered, *SLACK_ERRORS) as fault:
            log.info("attachment's fault not told", why=error_text(fault))

    async def before(self) -> Sequence[Message]:
        said = await read_history(self._client, self._people, self._task)
        await Participants(KeyValueStore(self._store.database), self._timing.tasks).record(
            self._task.thread, {one.user: float(one.ts) for one in said}
        )
        return said

    async def mark_read(self, message_ts: str) -> None:
        if ":" in message_ts:
            return  # pressed, not written: the question shows the answer itself
        await self._try("reactions.add", channel=self._task.thread.channel, timestamp=message_ts,
                        name="writing_hand")  # fmt: skip

    async def deliver(self, outcome: Outcome) -> None:
        state = outcome.state
        session = _SESSION.get(state, "active")
        if self._beginning is not None:
            self._beginning.cancel()  # it may still wait for its turn, and must not come last
        waits = state is State.WAITING
        if waits:
            self._plan.pause()
        else:
            self._plan.close(self._closing_title(outcome), answered=state is State.ANSWERED)
        await self._progress.close(goes_on=waits)
        telling = render(self._task, outcome)
        files = [*([telling.whole] if telling.whole else []), *outcome.files]
        try:
            if waits:
                await self._draft.drop()
            ended = await self._say(telling.messages, session)
            await self._files.post(files)
        except NotDelivered:
            raise
        except SLACK_ERRORS as fault:
            raise NotDelivered(f"Slack refuses the answer: {error_text(fault)}.", for_good=True) from fault
        if not ended:
            await self._end_session(session)
        if state is State.STOPPED and ":" not in self._task.message_ts:
            await self._try("reactions.remove", channel=self._task.thread.channel, name="eyes",
                            timestamp=self._task.message_ts)  # fmt: skip

    async def _say(self, messages: list[OutgoingMessage], session: str) -> bool:
        """All messages, once; answers whether the session's state went with one."""
        first, *others = messages
        if await self._draft.finish(first, session) is None:
            others = messages
        for content in others:
            await self._post(content)
        return self._draft.told_session

    async def _post(self, content: OutgoingMessage) -> None:
        try:
            await self._posts.post_once(content.key, text=content.text, blocks=content.blocks)
        except SLACK_ERRORS as fault:
            # Better plain than not at all: what Slack dislikes may be one mark in a long text.
            log.error("Slack refuses a message, sent as plain text", key=content.key, why=error_text(fault))
            await self._posts.post_once(f"{content.key}:plain", text=escape(content.markdown))

    async def _set_aside(self) -> None:
        while True:
            await self._aside.wait()
            self._aside.clear()
            await self._draft.drop()

    async def _close_question(self) -> None:
        if self._asked:
            await question.close(self._client, self._task, self._asked)

    def _closing_title(self, outcome: Outcome) -> str:
        word = {State.ANSWERED: "Done", State.STOPPED: "Stopped"}.get(outcome.state, "Failed")
        return f"{word} · {duration(outcome.spent.seconds)}"

    async def _begin_session(self) -> None:
        """Slack's own sign that somebody works here, with its Stop button; older apps have a status line,
        which Slack takes away by itself, and a button of ours."""
        title = one_line(one_plain_line(self._task.request), 150) or "Task"
        if await self._session("processing", title=title, initiator_user_id=self._task.user):
            return
        self._progress.offers_stop = True
        while True:
            await self._status_line("is working on it…")
            await asyncio.sleep(self._timing.status_line)

    async def _end_session(self, status: str) -> None:
        if not await self._session(status):
            await self._status_line("")

    async def _session(self, status: str, **more: str) -> bool:
        return await self._try("agents.sessions.setStatus", **self._place, status=status, **more)

    async def _status_line(self, words: str) -> None:
        await self._try("assistant.threads.setStatus", **self._place, status=words)

    @property
    def _place(self) -> dict[str, str]:
        return {"channel_id": self._task.thread.channel, "thread_ts": self._task.thread.ts}

    async def _try(self, method: str, **arguments: str) -> bool:
        """A call whose failure costs a person a glance and nothing else."""
        try:
            await self._client.api_call(method, json=arguments)
        except SLACK_ERRORS as fault:
            log.info("sign not shown", method=method, why=error_text(fault))
            return False
        return True


async def _safely(part: Callable[[], Awaitable[None]]) -> None:
    """A fault in what is shown must not end the work."""
    try:
        await part()
    except Exception:
        log.exception("progress broke off")
