"""The only writer to a task's thread: progress while it runs, then the answer, once, then the files.

Turns the agents' events into Slack calls, in order and at Slack's pace. Never decides what a task does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from agents.events import Event
from agents.excerpt import one_line
from bot.answer import contents, spent
from bot.files import Files
from bot.plan import Plan
from bot.posts import Posts
from bot.progress import Progress
from tasks.message import FileRef
from tasks.store import Store
from tasks.task import State, Task
from tasks.thread import Delivery

log = structlog.get_logger(__name__)

#: What a session shows after each outcome (docs.slack.dev, agents.sessions.setStatus).
_SESSION = {State.WAITING: "suspended"}


class SlackThreads:
    """Opens the threads of one workspace's tasks. `store` is where posts are written down."""

    def __init__(
        self, client: AsyncWebClient, http: aiohttp.ClientSession, store: Store, *, largest_in: int,
        largest_out: int,
    ) -> None:  # fmt: skip
        self._client = client
        self._http = http
        self._store = store
        self._largest_in = largest_in
        self._largest_out = largest_out

    @asynccontextmanager
    async def open(self, task: Task) -> AsyncIterator[SlackThread]:
        files = Files(
            self._client, self._http, self._store, task,
            largest_in=self._largest_in, largest_out=self._largest_out,
        )  # fmt: skip
        thread = SlackThread(self._client, self._store, task, files)
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(thread.write())
            try:
                yield thread
            finally:
                writing.cancel()


class SlackThread:
    """One thread for as long as a task runs (a `tasks.thread.Thread`)."""

    def __init__(self, client: AsyncWebClient, store: Store, task: Task, files: Files) -> None:
        self._client = client
        self._task = task
        self._files = files
        self._plan = Plan()
        self._progress = Progress(client, task, self._plan)
        self._posts = Posts(client, store, task)

    def emit(self, event: Event) -> None:
        if self._plan.take(event):
            self._progress.touch()

    async def write(self) -> None:
        """Show what is emitted, until cancelled."""
        await self._session("processing", title=one_line(self._task.request, 150))
        await self._progress.run()

    async def fetch(self, file: FileRef) -> bytes:
        return await self._files.fetch(file)

    async def taken_in(self, message_ts: str) -> None:
        await self._call("reactions.add", timestamp=message_ts, name="writing_hand")

    async def deliver(self, delivery: Delivery) -> None:
        answered = delivery.outcome.state is State.ANSWERED
        if delivery.outcome.state is not State.WAITING:
            self._plan.close(self._closing_title(delivery), answered=answered)
        await self._progress.close()
        try:
            for content in contents(self._task, delivery):
                await self._posts.once(content.key, text=content.text, blocks=content.blocks)
            await self._files.post(delivery.files)
        except SlackClientError:
            log.exception("the answer could not be posted", channel=self._task.thread.channel)
        await self._session(_SESSION.get(delivery.outcome.state, "active"))

    def _closing_title(self, delivery: Delivery) -> str:
        word = {State.ANSWERED: "Done", State.STOPPED: "Stopped"}.get(delivery.outcome.state, "Failed")
        return f"{word} · {spent(delivery)}"

    async def _session(self, status: str, **more: str) -> None:
        """Slack's own sign that somebody works here, with its Stop button; older apps have a status line."""
        thread = {"channel_id": self._task.thread.channel, "thread_ts": self._task.thread.ts}
        if status == "processing":
            more["initiator_user_id"] = self._task.user
        try:
            await self._client.api_call(
                "agents.sessions.setStatus", json={**thread, "status": status, **more}
            )
        except SlackApiError:
            line = "is working on it…" if status == "processing" else ""
            await self._call("assistant.threads.setStatus", **thread, status=line)
        except (SlackClientError, TimeoutError, OSError) as error:
            log.info("session status not set", why=str(error))

    async def _call(self, method: str, **arguments: str) -> None:
        """A call whose failure costs a person a glance and nothing else."""
        if method == "reactions.add":
            arguments["channel"] = self._task.thread.channel
        try:
            await self._client.api_call(method, json=arguments)
        except (SlackClientError, TimeoutError, OSError) as error:
            log.info("sign not shown", method=method, why=str(error))
