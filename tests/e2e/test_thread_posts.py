"""One message for each key, when several processes have written it. No Docker, no model."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from bot.thread.posts import ThreadPosts
from bot.wire.clients import Clients
from playground.slack import SlackStandIn
from tasks.message import Message, ThreadAddress
from tasks.store.database import Database
from tasks.store.tasks import TaskStore
from tests.support.stack import ADA, GENERAL


async def test_a_second_post_that_cannot_be_taken_back_keeps_no_task_from_its_end(
    slack: SlackStandIn, tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path}/handoff.db")
    await database.open()
    store = TaskStore(database)
    asked = await slack.post(ADA, GENERAL, "paint it")
    place = ThreadAddress(slack.team_id, GENERAL, asked)
    accepted = await store.accept(Message(thread=place, ts=asked, user=ADA, user_name="ada", text="paint it"))
    task = await store.task(accepted.task)
    assert task is not None
    await store.outbox.intend(task.id, "end:0")
    await store.outbox.posted(task.id, "end:0", "1.1")

    async def token(_: str) -> str:
        return slack.bot_token

    slack.fail("chat.delete", "cant_delete_message", times=5)
    async with aiohttp.ClientSession() as http:
        client = await Clients(slack.api_url, http, token).of(slack.team_id)
        await ThreadPosts(client, store, task).remember("end:0", "1.2")

    assert await store.outbox.posts(task.id) == {"end:0": "1.1"}
    assert [call.arguments["ts"] for call in slack.calls if call.method == "chat.delete"] == ["1.2"]
    await database.close()
