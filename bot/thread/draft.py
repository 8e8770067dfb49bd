"""The answer while it is being written: a streamed message that grows and in the end is the answer.

Owns that message until it says what the answer says, whatever became of the stream on the way. Never decides
what the answer is.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog

from bot.thread.answer import OutgoingMessage, markdown_block
from bot.thread.posts import DRAFT, ThreadPosts
from bot.timing import STANDARD, BotTiming
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text, is_transient
from bot.wire.text import MESSAGE_LIMIT, silence_mentions, table_at
from tasks.run.thread import NotDelivered
from tasks.task import Task

log = structlog.get_logger(__name__)

#: A shorter answer is there before a stream would be.
SHORTEST = 240
#: Characters that are streamed. What is longer is cut into messages, where it can be cut well, at the end.
LONGEST = MESSAGE_LIMIT - 600


class AnswerDraft:
    """One task's answer in the making."""

    def __init__(
        self, client: SlackClient, task: Task, posts: ThreadPosts, timing: BotTiming = STANDARD
    ) -> None:
        self._timing = timing
        self._client = client
        self._task = task
        self._posts = posts
        self._text = ""
        self._ts = ""
        self._sent = ""
        self._since = 0.0
        self._spoilt = False
        self._over = False
        self._lost = False
        self.told_session = False
        """Whether Slack was told the session's state along with the end of the stream."""
        self._changed = asyncio.Event()
        self._one_writer = asyncio.Lock()

    def write(self, text: str) -> None:
        """What the model has written so far, the whole of it."""
        self._text = text
        self._changed.set()

    async def run(self) -> None:
        """Show the text as it grows, until cancelled or finished."""
        while not self._over:
            await self._changed.wait()
            self._changed.clear()
            async with self._one_writer:
                if not self._over:
                    await self._show()
            await asyncio.sleep(self._timing.answer_stream)

    async def drop(self) -> None:
        """What was written is not the answer: take it out of the thread."""
        async with self._one_writer:
            self._text = self._sent = ""
            if ts := self._ts or await self._posts.draft_ts(DRAFT):
                await self._remove(ts)
            self._ts, self._spoilt = "", False

    async def finish(self, content: OutgoingMessage, session: str) -> str | None:
        """Make the message say `content`; its `ts`, or None when there is no message and one must be posted.

        `session` is the state that Slack shows of the thread from now on, if the stream ends as it should: an
        edit can't carry it. Raises `NotDelivered`.
        """
        async with self._one_writer:
            self._over = True
            if self._lost:
                await self._remove_lost()
            ts = self._ts or await self._posts.draft_ts(DRAFT)
            if not ts:
                return None
            self.told_session = self._grew_into(content) and await self._end(content, session)
            if not self.told_session and not await self._repair(ts, content):
                await self._remove(ts)
                return None
            await self._posts.remember(content.key, ts)
            await self._posts.forget_draft(DRAFT)
            return ts

    async def _show(self) -> None:
        text = presentable(self._text)
        if self._ts and (
            not text.startswith(self._sent) or time.monotonic() - self._since > self._timing.stream_life
        ):
            self._spoilt = True
        if self._spoilt or len(text) == len(self._sent) or (not self._ts and len(text) < SHORTEST):
            return
        if not self._ts:
            await self._begin()
        elif self._client.limiter.try_acquire("chat.appendStream"):
            await self._append(text)

    async def _begin(self) -> None:
        limiter = self._client.limiter
        if not limiter.available("chat.stopStream") or not limiter.try_acquire("chat.startStream"):
            return
        if left := await self._posts.draft_ts(DRAFT):
            await self._remove(left)  # of a process that is gone: what it had begun would stand there half
        try:
            self._ts = await self._client.start_stream(self._task.thread, self._task.user)
        except SLACK_ERRORS as fault:
            log.info("answer not streamed", why=error_text(fault))
            self._over, self._lost = True, is_transient(fault)
            return
        self._since = time.monotonic()
        await self._posts.remember_draft(DRAFT, self._ts)
        self._changed.set()

    async def _append(self, text: str) -> None:
        news = {"type": "markdown_text", "text": text[len(self._sent) :]}
        try:
            await self._client.call_now("chat.appendStream", json=self._where(chunks=[news]))
        except SLACK_ERRORS as fault:
            # Whether it arrived is not known, and appending it again could show it twice.
            log.info("answer's stream broke off", why=error_text(fault))
            self._spoilt = True
            return
        self._sent = text

    def _grew_into(self, content: OutgoingMessage) -> bool:
        young = time.monotonic() - self._since < self._timing.stream_life
        return bool(self._ts) and young and not self._spoilt and content.markdown.startswith(self._sent)

    async def _end(self, content: OutgoingMessage, session: str) -> bool:
        """Close the stream with the rest of the text. Tables are drawn in blocks only, so they go there."""
        cut = table_at(content.markdown) - len(self._sent)
        if cut < 0:
            return False  # the line that was streamed last has turned out to be a table's first
        rest = content.markdown[len(self._sent) :]
        arguments: dict[str, Any] = {"metadata": self._posts.metadata(content.key), "session_status": session}
        if rest[:cut].strip():
            arguments["chunks"] = [{"type": "markdown_text", "text": rest[:cut]}]
        arguments["blocks"] = ([markdown_block(rest[cut:])] if rest[cut:].strip() else []) + content.below
        try:
            await self._client.api_call("chat.stopStream", json=self._where(**arguments))
        except SLACK_ERRORS as fault:
            log.info("answer's stream did not end well, message repaired", why=error_text(fault))
            return False
        return True

    async def _repair(self, ts: str, content: OutgoingMessage) -> bool:
        """End what is left of the stream and set the whole content by an edit."""
        channel = self._task.thread.channel
        try:
            await self._client.api_call("chat.stopStream", json={"channel": channel, "ts": ts})
        except SLACK_ERRORS as fault:
            log.debug("stream had ended", why=error_text(fault))
        edit = {"channel": channel, "ts": ts, "text": content.text, "blocks": content.blocks,
                "metadata": self._posts.metadata(content.key)}  # fmt: skip
        try:
            await self._posts.insist(content.key, lambda: self._client.api_call("chat.update", json=edit))
        except NotDelivered:
            raise
        except SLACK_ERRORS as fault:
            log.warning("draft could not become the answer, posted anew", why=error_text(fault))
            return False
        return True

    async def _remove_lost(self) -> None:
        """A stream whose start was never confirmed may stand in the thread, empty."""
        try:
            for message in await self._posts.unmarked():
                if not message.get("text") and not message.get("blocks"):
                    await self._remove(str(message["ts"]))
        except SLACK_ERRORS as fault:
            log.info("lost stream not looked for", why=error_text(fault))

    async def _remove(self, ts: str) -> None:
        where = {"channel": self._task.thread.channel, "ts": ts}
        for method in ("chat.stopStream", "chat.delete"):
            try:
                await self._client.api_call(method, json=where)
            except SLACK_ERRORS as fault:
                log.info("draft not removed", method=method, why=error_text(fault))
        await self._posts.forget_draft(DRAFT)

    def _where(self, **more: Any) -> dict[str, Any]:
        return {"channel": self._task.thread.channel, "ts": self._ts, **more}


def presentable(text: str) -> str:
    """The part that stays as it is whatever follows: whole words, nothing that may become a table, and no
    more than one message."""
    whole = text[: max(text.rfind(" "), text.rfind("\n")) + 1].lstrip()
    whole = whole[: table_at(whole)]
    lines = whole.splitlines(keepends=True)
    while lines and lines[-1].lstrip().startswith("|"):
        lines.pop()
    return silence_mentions("".join(lines).rstrip())[:LONGEST]
