"""The whole bot in this process with real parts: Bolt, the playground's Slack, a model over HTTP, Docker.

Only the process is shared; every word between the parts goes over a socket, as it does when they are apart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.intake.pending import PendingEvents
from bot.server import BotServer
from bot.settings import Settings
from bot.timing import BotTiming
from bot.wire.socket_mode import CONNECTIONS
from playground.slack import SlackStandIn
from playground.slack.messages import SlackPost, Stream
from tasks.message import ThreadAddress
from tasks.store.key_value import KeyValueStore
from tasks.task import State, Task
from tests.support.database_templates import copy_migrated
from tests.support.timing import BOT_TIMING

ADA, MEI = "U0ADA0001", "U0MEI0002"
GENERAL = "C0GENERAL"
#: Seconds a task of a test may take: containers start slowly when both cores are busy.
PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Stack:
    """A running bot and the Slack it is on."""

    slack: SlackStandIn
    server: BotServer
    settings: Settings

    async def ask(
        self, text: str, *, user: str = ADA, channel: str = GENERAL, thread_ts: str | None = None,
        files: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """A person writes; returns the message's `ts`."""
        return await self.slack.post(user, channel, text, thread_ts=thread_ts, files=files)

    async def task(self, ts: str, *states: State, channel: str = GENERAL, after: Task | None = None) -> Task:
        """The newest task of the thread `ts` once it has reached one of `states` (any end unless given), and
        the thread shows that; with `after`, the one that follows that task."""
        task = await self.ended(ts, *states, channel=channel, after=after)
        await self.server.background.finished()
        return task

    async def ended(self, ts: str, *states: State, channel: str = GENERAL, after: Task | None = None) -> Task:
        """See `task`; what decorates the thread may still be under way."""
        wanted = states or tuple(state for state in State if state.is_over)
        address = ThreadAddress(self.slack.team_id, channel, ts)
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + PATIENCE, 0.02
        while loop.time() < until:
            task = await self.server.engine.store.current(address)
            if task is not None and task.state in wanted and (after is None or task.id != after.id):
                return task
            await asyncio.sleep(pause)
            pause = min(1.2 * pause, 0.25)  # a busy machine has better things to do
        raise TimeoutError(f"the thread {ts} has {task}, none of {wanted}")

    async def handled(self) -> None:
        """Returns when the bot has handled every event so far; it acknowledges them before."""
        await self.slack.acknowledged()
        events = PendingEvents(KeyValueStore(self.server.engine.store.database))
        async with asyncio.timeout(PATIENCE):
            while await events.older_than(0):  # noqa: ASYNC110 - the database signals nothing
                await asyncio.sleep(0.05)

    def thread(self, ts: str, channel: str = GENERAL) -> list[SlackPost]:
        """The replies in a thread, oldest first."""
        return self.slack.state.replies(channel, ts)

    def said(self, ts: str, channel: str = GENERAL) -> str:
        """All the words the bot has posted or streamed in a thread, plans left out."""
        return "\n".join(words_of(message) for message in self.answers(ts, channel))

    def answers(self, ts: str, channel: str = GENERAL) -> list[SlackPost]:
        """The bot's messages in a thread that are no progress, oldest first."""
        mine = [m for m in self.thread(ts, channel) if m.user == self.slack.bot_user_id]
        return [m for m in mine if not _is_plan(m) and not _is_line(m)]

    def lines(self, ts: str, channel: str = GENERAL) -> list[str]:
        """The lines of progress in a thread."""
        return [m.text for m in self.thread(ts, channel) if _is_line(m)]

    def plans(self, ts: str, channel: str = GENERAL) -> list[Stream]:
        """The plans in a thread, oldest first."""
        return [m.stream for m in self.thread(ts, channel) if m.stream is not None and _is_plan(m)]

    def whispers(self, user: str = ADA) -> list[str]:
        """The bot's messages that only one person sees."""
        return [shown.message.text for shown in self.slack.state.ephemerals if shown.user == user]

    def calls(self, method: str) -> list[Mapping[str, Any]]:
        """The arguments of the bot's calls of one method, in order."""
        return [call.arguments for call in self.slack.calls if call.method == method]


@asynccontextmanager
async def stack(
    slack: SlackStandIn,
    model_url: str,
    folder: Path,
    *,
    socket_mode: bool = True,
    timing: BotTiming = BOT_TIMING,
    clock: Callable[[], float] = time.time,
    **changes: Any,
) -> AsyncIterator[Stack]:
    """A bot on `slack` and the model at `model_url`, its data in `folder`; `changes` are further settings.

    It keeps no containers ready: one with pandas imported takes two seconds of a core.
    """
    name, secret = (
        ("slack_app_token", slack.app_token)
        if socket_mode
        else ("slack_signing_secret", slack.signing_secret)
    )
    # Tests share one engine, and none waits for the containers of another.
    way: dict[str, Any] = {name: SecretStr(secret), "sandbox_engine_max": 1000, "sandbox_pool": 0}
    settings = Settings(
        slack_api_url=slack.api_url,
        slack_bot_token=SecretStr(slack.bot_token),
        openai_base_url=model_url,
        data_dir=folder,
        port=0,
        **(way | changes),
    )
    if settings.database_url.startswith("sqlite"):
        await copy_migrated(settings.database_url)
    async with BotServer(settings, timing, clock=clock) as server:
        if socket_mode:
            await slack.wait_for(lambda _: slack.connections == CONNECTIONS)
        yield Stack(slack, server, settings)


def words_of(message: SlackPost) -> str:
    """What a message says in its blocks and its stream, or in its text where it has neither."""
    blocks = [block["text"] for block in message.blocks if block["type"] == "markdown"]
    return (message.markdown or "") + "".join(blocks) or message.text


def _is_plan(message: SlackPost) -> bool:
    if any(block["type"] == "plan" for block in message.blocks):
        return True
    return message.stream is not None and (bool(message.stream.rows) or message.stream.mode == "plan")


def _is_line(message: SlackPost) -> bool:
    is_streamed = message.stream is not None or message.markdown
    return not is_streamed and bool(message.blocks) and message.blocks[0]["type"] == "context"
