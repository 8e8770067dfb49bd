"""One message for each key, when several processes have written it. No Docker, no model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bot.thread.posts import ThreadPosts
from bot.thread.uploads import ThreadUploads
from bot.wire.client import SlackClient
from bot.wire.clients import Clients
from playground.slack import SlackStandIn
from sandbox.files import SandboxFile
from tasks.errors import StaleRunner
from tasks.message import Message, ThreadAddress
from tasks.store.database import Database
from tasks.store.tasks import TaskStore
from tasks.task import OutputFile, Task, Ticket
from tests.support.stack import ADA, GENERAL


@dataclass(frozen=True)
class Shared:
    """A task that the process `first` has begun, and what all processes share."""

    client: SlackClient
    store: TaskStore
    task: Task

    @property
    def posts(self) -> ThreadPosts:
        """Those of the process `first`."""
        return ThreadPosts(self.client, self.store, self.task)

    async def begin_elsewhere(self) -> ThreadPosts:
        """Another process takes the task over. Returns the posts of that one."""
        taken = await self.store.begin(Ticket(self.task.id, self.task.attempt), "second")
        assert taken is not None
        return ThreadPosts(self.client, self.store, taken)


@pytest_asyncio.fixture
async def shared(slack: SlackStandIn, tmp_path: Path) -> AsyncIterator[Shared]:
    database = Database(f"sqlite:///{tmp_path}/handoff.db")
    await database.open()
    store = TaskStore(database)
    asked = await slack.post(ADA, GENERAL, "paint it")
    place = ThreadAddress(slack.team_id, GENERAL, asked)
    accepted = await store.accept(Message(thread=place, ts=asked, user=ADA, user_name="ada", text="paint it"))
    task = await store.begin(Ticket(accepted.task, 1), "first")
    assert task is not None

    async def token(_: str) -> str:
        return slack.bot_token

    async with aiohttp.ClientSession() as http:
        yield Shared(await Clients(slack.api_url, http, token).of(slack.team_id), store, task)
    await database.close()


async def test_a_second_post_that_cannot_be_taken_back_keeps_no_task_from_its_end(
    slack: SlackStandIn, shared: Shared
) -> None:
    await shared.store.outbox.intend(shared.task.id, "end:0")
    await shared.store.outbox.posted(shared.task.id, "end:0", "1.1")
    slack.fail("chat.delete", "cant_delete_message", times=5)
    await shared.posts.remember("end:0", "1.2")

    assert await shared.store.outbox.posts(shared.task.id) == {"end:0": "1.1"}
    assert [call.arguments["ts"] for call in slack.calls if call.method == "chat.delete"] == ["1.2"]


async def test_a_process_that_lost_its_task_while_a_post_waited_its_turn_posts_nothing(
    slack: SlackStandIn, shared: Shared
) -> None:
    """As one that is frozen in a busy channel, and wakes after another process has posted the answer."""
    limiter, turn = shared.client.limiter, asyncio.Event()
    waiting, acquire = asyncio.Event(), limiter.acquire

    async def acquire_late(
        method: str, channel: str = "", *, patience: float = 1e9, keeping: float = 0.0
    ) -> bool:
        if method == "chat.postMessage" and not waiting.is_set():
            waiting.set()
            await turn.wait()
        return await acquire(method, channel, patience=patience, keeping=keeping)

    limiter.acquire = acquire_late  # type: ignore[method-assign]
    late = asyncio.create_task(shared.posts.post_once("end:0", text="It is blue."))
    await waiting.wait()
    await (await shared.begin_elsewhere()).post_once("end:0", text="It is blue.")
    turn.set()
    with pytest.raises(StaleRunner):
        await late
    assert [m.text for m in slack.state.replies(GENERAL, shared.task.thread.ts)] == ["It is blue."]
    assert not [call for call in slack.calls if call.method == "chat.delete"], "people never saw a second one"


async def test_a_process_that_lost_its_task_while_a_file_waited_its_turn_shares_nothing(
    slack: SlackStandIn, shared: Shared
) -> None:
    limiter, turn = shared.client.limiter, asyncio.Event()
    waiting, acquire = asyncio.Event(), limiter.acquire

    async def acquire_late(method: str, channel: str = "", **more: float) -> bool:
        if method == "files.completeUploadExternal" and not waiting.is_set():
            waiting.set()
            await turn.wait()
        return await acquire(method, channel, **more)

    limiter.acquire = acquire_late  # type: ignore[method-assign]
    made = [OutputFile(path="a.csv", data=SandboxFile.of(b"1,2\n"))]
    async with aiohttp.ClientSession() as http:

        def uploads(task: Task) -> ThreadUploads:
            return ThreadUploads(shared.client, http, shared.store, task, largest=1_000)

        late = asyncio.create_task(uploads(shared.task).post(made))
        await waiting.wait()
        taken = await shared.store.begin(Ticket(shared.task.id, shared.task.attempt), "second")
        assert taken is not None
        await uploads(taken).post(made)
        turn.set()
        with pytest.raises(StaleRunner):
            await late
    shown = [m for m in slack.state.replies(GENERAL, shared.task.thread.ts) if m.files]
    assert len(shown) == 1


async def test_a_post_that_was_under_way_when_another_process_took_over_is_deleted(
    slack: SlackStandIn, shared: Shared
) -> None:
    thread = shared.task.thread
    late = await shared.client.chat_postMessage(channel=GENERAL, thread_ts=thread.ts, text="It is blue.")
    kept = await (await shared.begin_elsewhere()).post_once("end:0", text="It is blue.")
    await shared.posts.remember("end:0", str(late["ts"]))
    assert [m.ts for m in slack.state.replies(GENERAL, thread.ts)] == [kept]
