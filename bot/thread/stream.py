"""A streamed message in a task's thread, which another process can find and finish."""

from __future__ import annotations

import time
from typing import Any

import structlog

from bot.thread.posts import ThreadPosts
from bot.timing import STANDARD, BotTiming
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text
from tasks.task import Task

log = structlog.get_logger(__name__)


class StreamedMessage:
    """One message at a time, remembered in the database under `name`. `ts` is empty while there is none."""

    def __init__(
        self, client: SlackClient, task: Task, posts: ThreadPosts, name: str,
        timing: BotTiming = STANDARD,
    ) -> None:  # fmt: skip
        self._timing = timing
        self._client = client
        self._task = task
        self._posts = posts
        self._name = name
        self._started = 0.0
        self.ts = ""

    @property
    def is_streaming(self) -> bool:
        """Whether this process has started the message as a stream."""
        return bool(self.ts) and self._started > 0

    @property
    def is_old(self) -> bool:
        return time.monotonic() - self._started > self._timing.stream_life

    async def start(self, **content: Any) -> None:
        """Start a stream; the caller has had its turn. Raises what the client raises."""
        ts = await self._client.start_stream(self._task.thread, self._task.user, **content)
        self._started = time.monotonic()
        await self.adopt(ts)

    async def adopt(self, ts: str) -> None:
        """Go on with a message that exists, and remember it."""
        self.ts = ts
        await self._posts.remember_draft(self._name, ts)

    async def append(self, chunks: list[dict[str, Any]]) -> None:
        """Raises what the client raises; then Slack may have the chunks or not."""
        await self._client.call_now("chat.appendStream", json=self.where(chunks=chunks))

    async def stop(self, ts: str = "", **content: Any) -> bool:
        """End the stream, with a last content; False when Slack does not say that it has."""
        try:
            await self._client.api_call(
                "chat.stopStream", json={**self.where(), "ts": ts or self.ts, **content}
            )
        except SLACK_ERRORS as fault:
            log.info("stream not ended", name=self._name, why=error_text(fault))
            return False
        return True

    async def delete(self, ts: str) -> None:
        """Take a message out of the thread, streaming or not."""
        await self.stop(ts)
        try:
            await self._client.chat_delete(channel=self._task.thread.channel, ts=ts)
        except SLACK_ERRORS as fault:
            log.info("stream not deleted", name=self._name, why=error_text(fault))
        await self.release()

    async def release(self) -> None:
        """Leave the message as it is; another one can be started."""
        self.ts, self._started = "", 0.0
        await self._posts.forget_draft(self._name)

    async def left_over(self) -> str:
        """The `ts` that an earlier process has remembered; empty when there is none."""
        return await self._posts.draft_ts(self._name)

    def where(self, **content: Any) -> dict[str, Any]:
        return {"channel": self._task.thread.channel, "ts": self.ts, **content}
