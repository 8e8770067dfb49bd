"""The message in a thread that shows a plan while it is worked on.

A native stream where Slack offers one, begun anew before Slack ends it; one edited message where it does not.
One task has one plan: a message that is begun anew takes the place of the one before, also after a question
or a restart. Owns its own timing; never posts an answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.thread.answer import stoppable
from bot.thread.plan import Chunk, Plan
from bot.thread.posts import DRAFT, ThreadPosts
from bot.timing import STANDARD, BotTiming
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text
from bot.wire.text import truncate
from tasks.task import Task

log = structlog.get_logger(__name__)

#: Slack's words for a stream that has ended without us; for all others the thread can't have one.
STREAM_GONE = {"message_not_in_streaming_state", "message_not_found", "stopped_by_user"}
_BROKEN = {"internal_error", "fatal_error", "service_unavailable", "ratelimited", "rate_limited"}
#: Under these names it is kept which message is being written, and which ones its successor is to replace.
OPEN, BEFORE = "progress", "progress before"
#: Kept in place of a stream's `ts` until Slack has told it.
_STARTING = "?"


class ProgressMessage:
    """One task's progress message."""

    def __init__(
        self, client: SlackClient, task: Task, posts: ThreadPosts, plan: Plan,
        timing: BotTiming = STANDARD,
    ) -> None:  # fmt: skip
        self._timing = timing
        self._client = client
        self._task = task
        self._posts = posts
        self._plan = plan
        self._shown: dict[str, Chunk] = {}
        self._ts = ""
        self._since = 0.0
        self._left = ""
        self._before: list[str] = []
        self._kept = ""
        self._streams = True
        self._draws = True
        self.offers_stop = False
        """Whether an edited message has a Stop button, where Slack shows none."""
        self._changed = asyncio.Event()
        self._closed = False
        self._one_writer = asyncio.Lock()

    async def recall(self) -> bool:
        """Read what an earlier run of the task has left in the thread; answers whether there is a plan."""
        self._left = await self._posts.draft_ts(OPEN)
        self._kept = await self._posts.draft_ts(BEFORE)
        self._before = self._kept.split()
        return bool(self._left or self._before)

    def touch(self) -> None:
        """The plan has changed; it is shown with the next update."""
        self._changed.set()

    async def run(self) -> None:
        """Show changes as they come, never faster than the pace, until `close`."""
        async with self._one_writer:
            await self._end_what_a_dead_process_left()
        while not self._closed:
            try:
                async with asyncio.timeout(self._timing.sign_of_life):
                    await self._changed.wait()
            except TimeoutError:
                self._plan.beat(self._timing.sign_of_life)
            self._changed.clear()
            async with self._one_writer:
                if not self._closed:
                    await self._show()
            await asyncio.sleep(self._timing.progress_stream if self._streams else self._timing.progress_edit)

    async def close(self, *, goes_on: bool = False) -> None:
        """Show the last state and leave nothing that looks unfinished. `goes_on`: another run will take the
        plan up, when a question is answered."""
        async with self._one_writer:
            self._closed = True
            await self._end_what_a_dead_process_left()
            if (self._ts or self._take_up()) and await self._settle():
                await self._keep_before([*self._before, self._ts] if goes_on else [])
                await self._posts.forget_draft(OPEN)

    async def _show(self) -> None:
        if self._streams and self._ts and time.monotonic() - self._since > self._timing.stream_life:
            await self._roll()
        limiter = self._client.limiter
        if self._streams and not self._ts and not limiter.try_acquire("chat.startStream"):
            self._streams = False
        if not self._streams:
            return await self._edit()
        if self._ts:
            await limiter.acquire("chat.appendStream")
        try:
            await (self._append() if self._ts else self._start())
        except SLACK_ERRORS as fault:
            await self._without_stream(error_text(fault))

    async def _start(self) -> None:
        await self._end_what_a_dead_process_left()
        await self._posts.remember_draft(OPEN, _STARTING)
        self._left = _STARTING
        chunks = self._plan.chunks()
        ts = await self._client.start_stream(
            self._task.thread, self._task.user, task_display_mode="plan", chunks=chunks
        )
        await self._began(ts)
        self._since = time.monotonic()
        self._remember(chunks)
        await self._replace()

    async def _append(self) -> None:
        if news := self._news():
            await self._client.call_now("chat.appendStream", json=self._where(chunks=news))
            self._remember(news)

    async def _end(self) -> bool:
        """Close the stream with what it does not show yet."""
        news = self._news()
        more: dict[str, Any] = {"chunks": news} if news else {}
        try:
            await self._client.api_call("chat.stopStream", json=self._where(**more))
        except SLACK_ERRORS as fault:
            log.info("stream did not end well", why=error_text(fault))
            return False
        return True

    async def _settle(self) -> bool:
        """Show the last state whatever it takes; what can't be settled now is left to the next delivery."""
        if self._since and self._streams and await self._end():
            return True
        await self._client.limiter.acquire("chat.update")
        return await self._mend()

    async def _roll(self) -> None:
        """Close a stream before Slack does; the whole plan goes on in the next one."""
        if not await self._end():
            await self._mend()
        await self._set_aside()

    async def _without_stream(self, error: str) -> None:
        log.info("stream refused", error=error)
        if error in STREAM_GONE:
            # The broken message is mended by an ordinary edit; the next change begins another stream.
            await self._mend()
            await self._set_aside()
        elif error not in _BROKEN and not self._ts and " " not in error:
            self._streams = False
            await self._posts.forget_draft(OPEN)
            self._left = ""
            await self._edit()

    async def _edit(self) -> None:
        """One message, edited. While others wait for their turn, an answer among them, this waits for better
        times."""
        channel = self._task.thread.channel
        method = "chat.update" if self._ts or self._take_up() else "chat.postMessage"
        if not self._client.limiter.try_acquire(method, channel):
            self._changed.set()
        elif self._ts:
            await self._mend()
        elif answer := await self._write(method, channel=channel, thread_ts=self._task.thread.ts):
            await self._began(str(answer["ts"]))
            await self._replace()

    async def _mend(self) -> bool:
        """Have an ordinary message show the plan as it is; False when Slack did not take it."""
        return await self._write("chat.update", **self._where()) is not None

    async def _write(self, method: str, **where: Any) -> AsyncSlackResponse | None:
        """The plan as a block, and as plain lines where Slack does not take that."""
        text = truncate(self._plan.as_text())
        blocks = self._plan.blocks()
        if self.offers_stop and not self._closed:
            blocks = stoppable(blocks, text, self._task)
        if self._draws and blocks:
            try:
                return await self._client.call_now(method, json={**where, "text": text, "blocks": blocks})
            except SLACK_ERRORS as fault:
                log.info("plan not drawn", method=method, why=error_text(fault))
                if "block" not in error_text(fault):
                    return None
                self._draws = False
        return await self._call(method, **where, text=text, blocks=[])

    def _take_up(self) -> bool:
        """Go on in the newest message that was left, where there is one."""
        if self._before:
            self._ts = self._before.pop()
        return bool(self._ts)

    async def _set_aside(self) -> None:
        """Nothing more goes into the message; the next one replaces it."""
        self._before.append(self._ts)
        self._ts, self._since, self._shown = "", 0.0, {}
        await self._keep_before(self._before)
        await self._posts.forget_draft(OPEN)

    async def _replace(self) -> None:
        """The plan stands in a new message: those before it go, or say where it is."""
        for ts in self._before:
            where = {"channel": self._task.thread.channel, "ts": ts}
            await self._client.limiter.acquire("chat.delete")
            if await self._call("chat.delete", **where) is None:
                await self._call("chat.update", **where, text="The plan goes on below.", blocks=[])
        self._before = []
        await self._keep_before([])

    async def _keep_before(self, left: Sequence[str]) -> None:
        words = " ".join(left)
        if words:
            await self._posts.remember_draft(BEFORE, words)
        elif self._kept:
            await self._posts.forget_draft(BEFORE)
        self._kept = words

    async def _began(self, ts: str) -> None:
        self._ts, self._left = ts, ""
        await self._posts.remember_draft(OPEN, ts)
        await self._posts.remember(f"progress:{ts}", ts)

    async def _end_what_a_dead_process_left(self) -> None:
        """A stream whose process died, or whose start was not confirmed, would turn into a broken message."""
        if self._ts or not self._left:
            return
        left, self._left = self._left, ""
        for ts in [left] if left != _STARTING else await self._maybe_streams():
            stopped = await self._call("chat.stopStream", channel=self._task.thread.channel, ts=ts)
            if stopped or left != _STARTING:
                self._ts = ts
                if not stopped:
                    await self._mend()
                await self._set_aside()

    async def _maybe_streams(self) -> list[str]:
        """What may be the stream whose start was not confirmed; others refuse an end, harmlessly."""
        try:
            draft = await self._posts.draft_ts(DRAFT)
            return [ts for message in await self._posts.unmarked() if (ts := str(message["ts"])) != draft]
        except SLACK_ERRORS as fault:
            log.info("lost stream not looked for", why=error_text(fault))
            return []

    async def _call(self, method: str, **arguments: Any) -> AsyncSlackResponse | None:
        """A call whose failure costs a person a glance and nothing else."""
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

    def _where(self, **more: Any) -> dict[str, Any]:
        return {"channel": self._task.thread.channel, "ts": self._ts, **more}


def _key(chunk: Chunk) -> str:
    return str(chunk.get("id", "title"))
