"""The message in a thread that shows a plan while it is worked on.

A native stream where Slack offers one, begun anew before Slack ends it; one edited message where it does not.
Owns its own timing; never posts an answer.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog

from bot.thread.plan import Chunk, Plan
from bot.thread.posts import Posts
from bot.wire.client import FAULTS, SlackClient, error_of
from bot.wire.text import brief
from tasks.task import Task

log = structlog.get_logger(__name__)

#: Least seconds between two updates of a stream, and of an edited message.
PACE, EDIT_PACE = 0.8, 3.0
#: Seconds without news after which the title tells how long it has been: a sign of life.
HEARTBEAT = 60.0
#: Slack ends a stream about 5 minutes after its start, whether or not it is appended to.
STREAM_LIFE = 240.0
#: Slack's words for a stream that has ended without us; for all others the thread can't have one.
STREAM_GONE = {"message_not_in_streaming_state", "message_not_found", "stopped_by_user"}
_BROKEN = {"internal_error", "fatal_error", "service_unavailable", "ratelimited", "rate_limited"}
OPEN = "progress"
#: Kept in place of a stream's `ts` until Slack has told it.
_STARTING = "?"


class Progress:
    """One task's progress message, or the row of them that a long task needs."""

    def __init__(self, client: SlackClient, task: Task, posts: Posts, plan: Plan) -> None:
        self._client = client
        self._task = task
        self._posts = posts
        self._plan = plan
        self._shown: dict[str, Chunk] = {}
        self._ts = ""
        self._since = 0.0
        self._streams = True
        self._changed = asyncio.Event()
        self._closed = False
        self._one_writer = asyncio.Lock()

    def touch(self) -> None:
        """The plan has changed; it is shown with the next update."""
        self._changed.set()

    async def run(self) -> None:
        """Show changes as they come, never faster than the pace, until `close`."""
        async with self._one_writer:
            await self._end_what_a_dead_process_left()
        while not self._closed:
            try:
                async with asyncio.timeout(HEARTBEAT):
                    await self._changed.wait()
            except TimeoutError:
                self._plan.beat(HEARTBEAT)
            self._changed.clear()
            async with self._one_writer:
                if not self._closed:
                    await self._show()
            await asyncio.sleep(PACE if self._streams else EDIT_PACE)

    async def close(self, session: str = "") -> None:
        """Show the last state and leave nothing that looks unfinished; `session` is the thread's state."""
        async with self._one_writer:
            self._closed = True
            await self._end_what_a_dead_process_left()
            if not self._ts:
                return
            if not self._streams:
                await self._edit()
            elif not await self._end(session):
                await self._mend()
            await self._posts.closed(OPEN)

    async def _show(self) -> None:
        if self._streams and self._ts and time.monotonic() - self._since > STREAM_LIFE:
            await self._roll()
        pace = self._client.pace
        if self._streams and not self._ts and not pace.claim("chat.startStream"):
            self._streams = False
        if not self._streams:
            return await self._edit()
        if self._ts:
            await pace.turn("chat.appendStream")
        try:
            await (self._append() if self._ts else self._start())
        except FAULTS as fault:
            await self._without_stream(error_of(fault))

    async def _start(self) -> None:
        await self._end_what_a_dead_process_left()
        await self._posts.opened(OPEN, _STARTING)
        chunks = self._plan.chunks()
        answer = await self._client.call_now(
            "chat.startStream",
            json={
                "channel": self._task.thread.channel,
                "thread_ts": self._task.thread.ts,
                "recipient_team_id": self._task.thread.team,
                "recipient_user_id": self._task.user,
                "task_display_mode": "plan",
                "chunks": chunks,
            },
        )
        await self._began(str(answer["ts"]))
        self._since = time.monotonic()
        self._remember(chunks)

    async def _append(self) -> None:
        if news := self._news():
            await self._client.call_now("chat.appendStream", json=self._where(chunks=news))
            self._remember(news)

    async def _end(self, session: str) -> bool:
        """Close the stream with what it does not show yet."""
        news = self._news()
        more: dict[str, Any] = {}
        if news:
            more["chunks"] = news
        if session:
            more["session_status"] = session
        try:
            await self._client.api_call("chat.stopStream", json=self._where(**more))
        except FAULTS as fault:
            log.info("stream did not end well", why=error_of(fault))
            return False
        return True

    async def _roll(self) -> None:
        """Close a stream before Slack does; the whole plan goes on in the next one."""
        if not await self._end(""):
            await self._mend()
        await self._forget()

    async def _without_stream(self, error: str) -> None:
        log.info("stream refused", error=error)
        if error in STREAM_GONE:
            # The broken message is mended by an ordinary edit; the next change begins another stream.
            await self._mend()
            await self._forget()
        elif error not in _BROKEN and not self._ts and " " not in error:
            self._streams = False
            await self._edit()

    async def _mend(self) -> None:
        await self._call("chat.update", **self._where(text=brief(self._plan.as_text())))

    async def _edit(self) -> None:
        """One message, edited. While others wait for their turn, an answer among them, this waits for better
        times; only the last state is shown whatever it takes."""
        channel = self._task.thread.channel
        method = "chat.update" if self._ts else "chat.postMessage"
        if self._closed:
            await self._client.pace.turn(method, channel)
        elif not self._client.pace.claim(method, channel):
            return self._changed.set()
        if self._ts:
            return await self._mend()
        text = brief(self._plan.as_text())
        if answer := await self._call(
            "chat.postMessage", channel=channel, thread_ts=self._task.thread.ts, text=text
        ):
            await self._began(str(answer["ts"]))

    async def _forget(self) -> None:
        """The message is as it shall stay; what comes next begins another."""
        self._ts, self._shown = "", {}
        await self._posts.closed(OPEN)

    async def _began(self, ts: str) -> None:
        self._ts = ts
        await self._posts.opened(OPEN, ts)
        await self._posts.remember(f"progress:{ts}", ts)

    async def _end_what_a_dead_process_left(self) -> None:
        """A stream whose process died, or whose start was not confirmed, would turn into a broken message."""
        if self._ts or not (left := await self._posts.open(OPEN)):
            return
        await self._posts.closed(OPEN)
        for ts in [left] if left != _STARTING else await self._maybe_streams():
            channel = self._task.thread.channel
            stopped = await self._call("chat.stopStream", channel=channel, ts=ts)
            if not stopped and left != _STARTING:
                await self._call("chat.update", channel=channel, ts=ts, text="Interrupted; it goes on below.")

    async def _maybe_streams(self) -> list[str]:
        """What may be the stream whose start was not confirmed; others refuse an end, harmlessly."""
        try:
            return [str(message["ts"]) for message in await self._posts.unmarked()]
        except FAULTS as fault:
            log.info("lost stream not looked for", why=error_of(fault))
            return []

    async def _call(self, method: str, **arguments: Any) -> dict[str, Any] | None:
        """A call whose failure costs a person a glance and nothing else."""
        try:
            answer = await self._client.call_now(method, json=arguments)
        except FAULTS as error:
            log.info("progress not shown", method=method, why=error_of(error))
            return None
        return dict(answer.data) if isinstance(answer.data, dict) else None

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
