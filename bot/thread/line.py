"""The one line that shows the progress of a task with a single worker, and becomes its answer."""

from __future__ import annotations

import asyncio
import time

import structlog

from bot.thread.answer import OutgoingMessage
from bot.thread.blocks import context_block, with_stop_button
from bot.thread.posts import ThreadPosts
from bot.timing import STANDARD, BotTiming
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text
from bot.wire.text import escape
from tasks.task import Task

log = structlog.get_logger(__name__)

#: The key of the line's post begins so; how many lines came before it follows. The number is remembered too.
LINE = "line"


class ProgressLine:
    """One task's line. A line that was deleted may be followed by another."""

    def __init__(
        self, client: SlackClient, task: Task, posts: ThreadPosts, timing: BotTiming = STANDARD
    ) -> None:
        self._timing = timing
        self._client = client
        self._task = task
        self._posts = posts
        self._number = 0
        self._shown = ""
        self._ts = ""
        self._lock = asyncio.Lock()
        self.is_closed = False
        """Whether the task's end is being posted, and the line shows nothing more."""
        self.offers_stop = False
        """Whether the line has a Stop button, where Slack shows none."""

    async def recall(self) -> bool:
        """Find the line that an earlier run of the task has left; answers whether there is one."""
        self._number = int(await self._posts.draft_ts(LINE) or 0)
        known = await self._posts.known()
        if self._key in known:
            ts = known[self._key] or await self._posts.find(self._key)
            others = [other for key, other in known.items() if key != self._key]
            self._ts = "" if ts is None or ts in others else ts  # else it has become the answer
        return bool(self._ts)

    async def show(self, text: str) -> bool:
        """Have the line say `text`; False when Slack takes no more calls now."""
        async with self._lock:
            if self.is_closed or text == self._shown:
                return True
            blocks = [context_block(escape(text))]
            if self.offers_stop:
                blocks = with_stop_button(blocks, text, self._task)
            if not self._ts:
                channel = self._task.thread.channel
                # In a busy channel a line would delay another task's answer.
                if not self._client.limiter.available("chat.postMessage", channel, keeping=1.0):
                    return False
                self._ts = await self._posts.post_once(self._key, text=escape(text), blocks=blocks)
            elif self._client.limiter.try_acquire("chat.update"):
                edit = {**self._where, "text": escape(text), "blocks": blocks}
                await self._client.call_now("chat.update", json=edit)
            else:
                return False
            self._shown = text
            return True

    async def become(self, content: OutgoingMessage) -> bool:
        """Have the line say `content` instead; False when there is none, or one so old that people have
        looked away: an edit notifies no one. Raises `NotDelivered`."""
        async with self._lock:
            if not self._ts or time.time() - float(self._ts) > self._timing.line_life:
                return False
            if not await self._posts.turn_into(self._ts, content):
                return False
            await self._posts.remember(content.key, self._ts)
            await self._release()
            return True

    async def delete(self) -> None:
        """Take the line out of the thread."""
        async with self._lock:
            if self._ts:
                try:
                    await self._client.api_call("chat.delete", json=self._where)
                except SLACK_ERRORS as fault:
                    log.info("line not deleted", why=error_text(fault))
                await self._release()

    async def _release(self) -> None:
        self._ts = self._shown = ""
        self._number += 1
        await self._posts.remember_draft(LINE, str(self._number))

    @property
    def _key(self) -> str:
        return f"{LINE}:{self._number}"

    @property
    def _where(self) -> dict[str, str]:
        return {"channel": self._task.thread.channel, "ts": self._ts}
