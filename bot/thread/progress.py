"""The message in a thread that shows the plan while several workers are at work on a task.

It is a stream where Slack offers one, replaced before Slack ends it; else a message that is edited. A task
has one plan: a later message takes the place of the one before, also after a question or a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.thread import texts
from bot.thread.blocks import with_stop_button
from bot.thread.line import ProgressLine
from bot.thread.plan import Chunk, Plan
from bot.thread.posts import DRAFT, ThreadPosts
from bot.thread.stream import StreamedMessage
from bot.timing import STANDARD, BotTiming
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text, is_transient, retry_after
from bot.wire.text import truncate
from tasks.run.thread import NotDelivered
from tasks.task import Task

log = structlog.get_logger(__name__)

#: Slack's errors for a stream that has ended without us; after any other the thread can't have one.
STREAM_GONE = {"message_not_in_streaming_state", "message_not_found", "stopped_by_user"}
#: The names under which the current message and the messages that it replaces are remembered.
CURRENT, REPLACED = "progress", "progress before"
#: Remembered in place of a stream's `ts` until Slack has confirmed its start.
_STARTING = "?"


class ProgressMessage:
    """One task's progress message. As long as there is one worker at most, progress is in `line`."""

    def __init__(
        self, client: SlackClient, task: Task, posts: ThreadPosts, plan: Plan, line: ProgressLine,
        timing: BotTiming = STANDARD,
    ) -> None:  # fmt: skip
        self._timing = timing
        self._client = client
        self._task = task
        self._posts = posts
        self._plan = plan
        self._line = line
        self._stream = StreamedMessage(client, task, posts, CURRENT, timing)
        self._shown: dict[str, Chunk] = {}
        self._left = ""
        self._before: list[str] = []
        self._kept = ""
        self._streams = True
        self._draws = True
        self.offers_stop = False
        """Whether an edited message has a Stop button, where Slack shows none."""
        self._changed = asyncio.Event()
        self._is_delayed = False
        self._is_closed = False
        self._lock = asyncio.Lock()

    async def recall(self) -> bool:
        """Read what an earlier run of the task has left in the thread; answers whether there is a plan."""
        self._left = await self._stream.left_over()
        self._kept = await self._posts.draft_ts(REPLACED)
        self._before = self._kept.split()
        return bool(self._left or self._before)

    def touch(self) -> None:
        """Have the next update show the plan as it is now."""
        self._changed.set()

    async def show_changes(self) -> None:
        """Show changes as they come, no faster than the pace, until `close`."""
        async with self._lock:
            await self._end_left_stream()
        while not self._is_closed:
            try:
                async with asyncio.timeout(self._timing.sign_of_life):
                    await self._changed.wait()
            except TimeoutError:
                self._plan.note_silence(self._timing.sign_of_life)
            if self._fits_line and not self._is_delayed:
                self._is_delayed = True
                await asyncio.sleep(self._timing.line_delay)
            self._changed.clear()
            async with self._lock:
                if not self._is_closed:
                    await (self._show_line() if self._fits_line else self._show())
            by_edit = self._fits_line or not self._streams
            await asyncio.sleep(self._timing.progress_edit if by_edit else self._timing.progress_stream)

    async def close(self, *, goes_on: bool = False) -> None:
        """Show the last state. With `goes_on` another run continues the plan, when a question is answered."""
        async with self._lock:
            self._is_closed = True
            await self._end_left_stream()
            if (self._stream.ts or self._take_up()) and await self._settle():
                await self._keep_before([*self._before, self._stream.ts] if goes_on else [])
                await self._posts.forget_draft(CURRENT)

    @property
    def _fits_line(self) -> bool:
        return self._plan.is_short and not (self._stream.ts or self._left or self._before)

    async def _show_line(self) -> None:
        try:
            if not await self._line.show(self._plan.as_line()):
                self._changed.set()
        except NotDelivered as fault:
            log.info("progress not shown", why=str(fault))
            self._is_closed = True
        except SLACK_ERRORS as fault:
            log.info("progress not shown", why=error_text(fault))

    async def _show(self) -> None:
        if self._streams and self._stream.ts and self._stream.is_old:
            await self._roll()
        if not self._stream.ts and not self._before and not await self._posts.thread_exists():
            self._is_closed = True
            return
        limiter = self._client.limiter
        if self._streams and not self._stream.ts and not limiter.try_acquire("chat.startStream"):
            self._streams = False
        if not self._streams:
            return await self._edit()
        if self._stream.ts:
            await limiter.acquire("chat.appendStream")
        try:
            await (self._append() if self._stream.ts else self._start())
        except SLACK_ERRORS as fault:
            await self._without_stream(fault)

    async def _start(self) -> None:
        await self._end_left_stream()
        await self._posts.remember_draft(CURRENT, _STARTING)
        self._left = _STARTING
        chunks = self._plan.chunks()
        await self._stream.start(task_display_mode="plan", chunks=chunks)
        self._remember(chunks)
        await self._took_place()

    async def _append(self) -> None:
        if news := self._news():
            await self._stream.append(news)
            self._remember(news)

    async def _end(self) -> bool:
        """End the stream with what it does not show yet."""
        news = self._news()
        last: dict[str, Any] = {"chunks": news} if news else {}
        return await self._stream.stop(**last)

    async def _settle(self) -> bool:
        """Show the last state; False when that is left to the next outcome."""
        if self._stream.is_streaming and self._streams and await self._end():
            return True
        await self._client.limiter.acquire("chat.update")
        return await self._update()

    async def _roll(self) -> None:
        """End a stream before Slack does; the next one shows the whole plan."""
        if not await self._end():
            await self._update()
        await self._set_aside()

    async def _without_stream(self, fault: Exception) -> None:
        error = error_text(fault)
        log.info("stream refused", error=error)
        if error in STREAM_GONE:
            # An edit repairs the broken message; the next change starts another stream.
            await self._update()
            await self._set_aside()
        elif not self._stream.ts and retry_after(fault) is not None:
            await self._posts.forget_draft(CURRENT)
            self._left = ""
            self._changed.set()
        elif not self._stream.ts and not is_transient(fault):
            self._streams = False
            await self._posts.forget_draft(CURRENT)
            self._left = ""
            await self._edit()

    async def _edit(self) -> None:
        """Edit one message. It gives way to other calls, an answer among them, and is tried again later."""
        channel = self._task.thread.channel
        method = "chat.update" if self._stream.ts or self._take_up() else "chat.postMessage"
        if not self._client.limiter.try_acquire(method, channel):
            self._changed.set()
        elif self._stream.ts:
            await self._update()
        elif answer := await self._write(method, channel=channel, thread_ts=self._task.thread.ts):
            await self._stream.adopt(str(answer["ts"]))
            await self._took_place()

    async def _update(self) -> bool:
        """Have an ordinary message show the plan as it is; False when Slack did not take it."""
        return await self._write("chat.update", **self._stream.where()) is not None

    async def _write(self, method: str, **where: Any) -> AsyncSlackResponse | None:
        """The plan as a block, and as plain lines where Slack does not take that."""
        text = truncate(self._plan.as_text())
        blocks = self._plan.blocks()
        if self.offers_stop and not self._is_closed:
            blocks = with_stop_button(blocks, text, self._task)
        if self._draws and blocks:
            try:
                return await self._client.call_now(method, json={**where, "text": text, "blocks": blocks})
            except SLACK_ERRORS as fault:
                log.info("plan block refused", method=method, why=error_text(fault))
                if "block" not in error_text(fault):
                    return None
                self._draws = False
        return await self._call(method, **where, text=text, blocks=[])

    def _take_up(self) -> bool:
        """Go on in the newest message that was left, where there is one."""
        if self._before:
            self._stream.ts = self._before.pop()
        return bool(self._stream.ts)

    async def _set_aside(self) -> None:
        """Leave the message as it is; the next one replaces it."""
        self._before.append(self._stream.ts)
        self._shown = {}
        await self._keep_before(self._before)
        await self._stream.release()

    async def _took_place(self) -> None:
        """The plan stands in a new message: those before it are deleted, or say where it is."""
        ts, self._left = self._stream.ts, ""
        await self._posts.remember(f"progress:{ts}", ts)
        for old in self._before:
            where = {"channel": self._task.thread.channel, "ts": old}
            await self._client.limiter.acquire("chat.delete")
            if await self._call("chat.delete", **where) is None:
                await self._call("chat.update", **where, text=texts.PLAN_CONTINUES_BELOW, blocks=[])
        self._before = []
        await self._keep_before([])
        await self._line.delete()

    async def _keep_before(self, left: Sequence[str]) -> None:
        words = " ".join(left)
        if words:
            await self._posts.remember_draft(REPLACED, words)
        elif self._kept:
            await self._posts.forget_draft(REPLACED)
        self._kept = words

    async def _end_left_stream(self) -> None:
        """End the stream of a process that is gone, or one whose start Slack did not confirm. Otherwise Slack
        would turn it into a broken message."""
        if self._stream.ts or not self._left:
            return
        left, self._left = self._left, ""
        for ts in [left] if left != _STARTING else await self._unconfirmed():
            is_stopped = await self._stream.stop(ts)
            if is_stopped or left != _STARTING:
                self._stream.ts = ts
                if not is_stopped:
                    await self._update()
                await self._set_aside()

    async def _unconfirmed(self) -> list[str]:
        """Messages of which one may be the stream whose start was not confirmed; the others refuse an end."""
        try:
            draft = await self._posts.draft_ts(DRAFT)
            return [ts for message in await self._posts.unmarked() if (ts := str(message["ts"])) != draft]
        except SLACK_ERRORS as fault:
            log.info("unconfirmed stream not found", why=error_text(fault))
            return []

    async def _call(self, method: str, **arguments: Any) -> AsyncSlackResponse | None:
        """A call whose failure is logged only."""
        try:
            return await self._client.call_now(method, json=arguments)
        except SLACK_ERRORS as error:
            log.info("progress not shown", method=method, why=error_text(error))
            return None

    def _news(self) -> list[Chunk]:
        """What the stream does not show yet. Slack adds a row's output to the one it has, so it goes once."""
        news = []
        for chunk in self._plan.chunks():
            shown = self._shown.get(_key(chunk), {})
            if chunk != shown:
                news.append({k: v for k, v in chunk.items() if k != "output" or "output" not in shown})
        return news

    def _remember(self, chunks: list[Chunk]) -> None:
        for chunk in chunks:
            self._shown[_key(chunk)] = {**self._shown.get(_key(chunk), {}), **chunk}


def _key(chunk: Chunk) -> str:
    return str(chunk.get("id", "title"))
