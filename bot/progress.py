"""The message in a thread that shows a plan while it is worked on.

A native stream where Slack offers one, begun anew before Slack ends it; one edited message where it does not.
Owns its own timing; never posts an answer.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.plan import Chunk, Plan
from bot.text import escape
from tasks.task import Task

log = structlog.get_logger(__name__)

#: Seconds between two updates: chat.appendStream allows 100 a minute in a workspace (tier 4), chat.update 50.
PACE, EDIT_PACE = 0.8, 3.0
#: Slack ends a stream about 5 minutes after its start, whether or not it is appended to.
STREAM_LIFE = 240.0
_NO_STREAM = {"unknown_method", "missing_scope", "channel_type_not_supported", "not_allowed_token_type",
              "missing_recipient_user_id", "missing_recipient_team_id", "user_not_found", "team_not_found",
              "method_deprecated", "feature_not_enabled"}  # fmt: skip
_STREAM_GONE = {"message_not_in_streaming_state", "message_not_found", "stopped_by_user"}


class Progress:
    """One task's progress message, or the row of them that a long task needs."""

    def __init__(self, client: AsyncWebClient, task: Task, plan: Plan) -> None:
        self._client = client
        self._task = task
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
        while not self._closed:
            await self._changed.wait()
            self._changed.clear()
            async with self._one_writer:
                if not self._closed:
                    await self._show()
            await asyncio.sleep(PACE if self._streams else EDIT_PACE)

    async def close(self) -> None:
        """Show the last state and leave nothing that looks unfinished."""
        async with self._one_writer:
            self._closed = True
            if not self._ts:
                return
            await self._show()
            if self._streams and self._ts:
                await self._call("chat.stopStream", ts=self._ts)

    async def _show(self) -> None:
        if not self._streams:
            return await self._edit()
        if self._ts and time.monotonic() - self._since > STREAM_LIFE:
            await self._call("chat.stopStream", ts=self._ts)
            self._ts, self._shown = "", {}
        try:
            await (self._append() if self._ts else self._start())
        except SlackApiError as error:
            await self._without_stream(str(error.response.get("error")))
        except (SlackClientError, TimeoutError, OSError) as error:
            log.info("progress not shown", why=str(error))

    async def _start(self) -> None:
        chunks = self._plan.chunks()
        answer = await self._client.chat_startStream(
            channel=self._task.thread.channel,
            thread_ts=self._task.thread.ts,
            recipient_team_id=self._task.thread.team,
            recipient_user_id=self._task.user,
            task_display_mode="plan",
            chunks=chunks,
        )
        self._ts, self._since = str(answer["ts"]), time.monotonic()
        self._remember(chunks)

    async def _append(self) -> None:
        news = [chunk for chunk in self._plan.chunks() if self._shown.get(_key(chunk)) != chunk]
        if news:
            channel = self._task.thread.channel
            unsaid = [self._unsaid(chunk) for chunk in news]
            await self._client.chat_appendStream(channel=channel, ts=self._ts, chunks=unsaid)
            self._remember(news)

    def _unsaid(self, chunk: Chunk) -> Chunk:
        """The chunk without an output that the row shows already: Slack would show it twice."""
        said = self._shown.get(_key(chunk), {}).get("output")
        return {key: text for key, text in chunk.items() if key != "output" or text != said}

    def _remember(self, chunks: list[Chunk]) -> None:
        self._shown.update((_key(chunk), chunk) for chunk in chunks)

    async def _without_stream(self, error: str) -> None:
        log.info("stream refused", error=error)
        if error in _NO_STREAM:
            self._streams = False
            await self._edit()
        elif error in _STREAM_GONE:
            # The broken message is mended by an ordinary edit; the next change begins another stream.
            await self._call("chat.update", ts=self._ts, text=escape(self._plan.as_text()))
            self._ts, self._shown = "", {}

    async def _edit(self) -> None:
        text = escape(self._plan.as_text())
        if self._ts:
            await self._call("chat.update", ts=self._ts, text=text)
        elif answer := await self._call("chat.postMessage", thread_ts=self._task.thread.ts, text=text):
            self._ts = str(answer["ts"])

    async def _call(self, method: str, **arguments: Any) -> dict[str, Any] | None:
        """A call whose failure costs a person a glance and nothing else."""
        try:
            arguments["channel"] = self._task.thread.channel
            answer = await self._client.api_call(method, json=arguments)
        except (SlackClientError, TimeoutError, OSError) as error:
            log.info("progress not shown", method=method, why=str(error))
            return None
        return dict(answer.data) if isinstance(answer.data, dict) else None


def _key(chunk: Chunk) -> str:
    return str(chunk.get("id", "title"))
