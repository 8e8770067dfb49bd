"""Opens the threads of tasks in Slack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from bot.thread.background import BackgroundCalls
from bot.thread.files import FileDownloads
from bot.thread.order_run import OrderRunThread, is_order_run
from bot.thread.thread import SlackThread, safely
from bot.thread.uploads import ThreadUploads
from bot.timing import STANDARD, BotTiming
from bot.wire.clients import Clients
from bot.wire.marks import MessageMarks
from bot.wire.reader import MessageReader
from tasks.store.key_value import KeyValueStore
from tasks.store.preferences import ChannelPreferences, FiguresMode, ProgressMode, UsageMode
from tasks.store.tasks import TaskStore
from tasks.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackThreads:
    """Opens the threads of tasks. `store` is the outbox of posts; sizes are bytes of one file."""

    clients: Clients
    reader: MessageReader
    http: aiohttp.ClientSession
    store: TaskStore
    preferences: ChannelPreferences
    marks: MessageMarks
    largest_in: int
    largest_out: int
    background: BackgroundCalls
    timing: BotTiming = STANDARD

    @asynccontextmanager
    async def open(self, task: Task) -> AsyncIterator[SlackThread]:
        client = await self.clients.of(task.thread.team)
        files = FileDownloads(client, self.http, largest=self.largest_in)
        uploads = ThreadUploads(client, self.http, self.store, task, largest=self.largest_out)
        chosen = await self.preferences.all(task.thread)
        is_ordered = await is_order_run(KeyValueStore(self.store.database, self.store.patience), task)
        make = OrderRunThread if is_ordered else SlackThread
        thread = make(
            client,
            self.store,
            task,
            files,
            uploads,
            self.reader,
            self.marks,
            shows_plan=chosen["progress"] == ProgressMode.FULL and not is_ordered,
            shows_usage=chosen["usage"] == UsageMode.ON,
            figures=FiguresMode(chosen["figures"]),
            timing=self.timing,
        )
        await safely(thread.recall)
        writing = asyncio.create_task(thread.show_events())
        try:
            yield thread
        finally:
            if thread.is_over:
                self.background.add(_close(thread, writing))
            else:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)


async def _close(thread: SlackThread, writing: asyncio.Task[None]) -> None:
    try:
        await safely(thread.close_display)
    finally:
        writing.cancel()
