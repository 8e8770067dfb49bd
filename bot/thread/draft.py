"""The answer while the model writes it: a streamed message that becomes the answer.

Whatever happens to the stream, the message says in the end what the answer says, or is deleted.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from bot.thread.answer import LONGEST, OutgoingMessage
from bot.thread.line import ProgressLine
from bot.thread.posts import DRAFT, ThreadPosts
from bot.thread.stream import StreamedMessage
from bot.thread.tables import text_blocks
from bot.timing import STANDARD, BotTiming
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text, is_transient, retry_after
from bot.wire.text import last_break, open_code_at, silence_mentions, table_at
from tasks.task import Task

log = structlog.get_logger(__name__)

#: A shorter answer is complete before a stream would show it.
SHORTEST = 240


class AnswerDraft:
    """One task's answer in the making."""

    def __init__(
        self, client: SlackClient, task: Task, posts: ThreadPosts, line: ProgressLine,
        timing: BotTiming = STANDARD,
    ) -> None:  # fmt: skip
        self._line = line
        self._timing = timing
        self._client = client
        self._task = task
        self._posts = posts
        self._stream = StreamedMessage(client, task, posts, DRAFT, timing)
        self._text = ""
        self._sent = ""
        self._is_broken = False
        self._is_closed = False
        self._start_unconfirmed = False
        self.ended_session = False
        """Whether the end of the stream carried the session's state."""
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()

    def write(self, text: str) -> None:
        """Set the text as the model has written it so far, the whole of it."""
        self._text = text
        self._changed.set()

    async def show_changes(self) -> None:
        """Show the text as it grows, until cancelled or finished."""
        while not self._is_closed:
            await self._changed.wait()
            self._changed.clear()
            async with self._lock:
                if not self._is_closed:
                    await self._show()
            await asyncio.sleep(self._timing.answer_stream)

    async def discard(self) -> None:
        """Delete the message: its text is not the answer."""
        async with self._lock:
            self._text = self._sent = ""
            if ts := self._stream.ts or await self._stream.left_over():
                await self._stream.delete(ts)
            self._is_broken = False

    async def finish(self, content: OutgoingMessage, session: str) -> bool:
        """Make the message, or the line of progress, say `content`; False when one must be posted.

        `session` is the state that Slack shows of the thread from now on. Only a stream's end can carry it:
        see `ended_session`. Raises `NotDelivered`.
        """
        async with self._lock:
            self._is_closed = True
            if self._start_unconfirmed:
                await self._delete_unconfirmed()
            ts = self._stream.ts or await self._stream.left_over()
            if not ts:
                return await self._line.become(content)
            self.ended_session = self._grew_into(content) and await self._end(content, session)
            if not self.ended_session and not await self._replace(ts, content):
                await self._stream.delete(ts)
                return False
            await self._posts.remember(content.key, ts)
            await self._stream.release()
            return True

    async def _show(self) -> None:
        text, is_started = presentable(self._text), bool(self._stream.ts)
        if is_started and (not text.startswith(self._sent) or self._stream.is_old):
            self._is_broken = True
        if self._is_broken or len(text) == len(self._sent) or (not is_started and len(text) < SHORTEST):
            return
        if not is_started:
            await self._start()
        elif self._client.limiter.try_acquire("chat.appendStream"):
            await self._append(text)

    async def _start(self) -> None:
        limiter = self._client.limiter
        if not limiter.available("chat.stopStream") or not limiter.try_acquire("chat.startStream"):
            return
        if not await self._posts.thread_exists():
            self._is_closed = True
            return
        if left := await self._stream.left_over():
            await self._stream.delete(left)  # half a text of a process that is gone
        try:
            await self._stream.start()
        except SLACK_ERRORS as fault:
            log.info("answer not streamed", why=error_text(fault))
            self._is_closed = True
            self._start_unconfirmed = is_transient(fault) and retry_after(fault) is None
            return
        self._changed.set()
        await self._line.delete()

    async def _append(self, text: str) -> None:
        try:
            await self._stream.append([{"type": "markdown_text", "text": text[len(self._sent) :]}])
        except SLACK_ERRORS as fault:
            # Slack may have the text, and a second append could show it twice.
            log.info("answer's stream broken", why=error_text(fault))
            self._is_broken = True
            return
        self._sent = text

    def _grew_into(self, content: OutgoingMessage) -> bool:
        is_young = self._stream.is_streaming and not self._stream.is_old
        return is_young and not self._is_broken and content.markdown.startswith(self._sent)

    async def _end(self, content: OutgoingMessage, session: str) -> bool:
        """End the stream with the rest of the text. Only blocks show tables, so tables go there."""
        cut = table_at(content.markdown) - len(self._sent)
        if cut < 0:
            return False  # the last streamed line has turned out to be a table's first
        rest = content.markdown[len(self._sent) :]
        last: dict[str, Any] = {"metadata": self._posts.metadata(content.key), "session_status": session}
        if rest[:cut].strip():
            last["chunks"] = [{"type": "markdown_text", "text": rest[:cut]}]
        last["blocks"] = (text_blocks(rest[cut:]) if rest[cut:].strip() else []) + content.below
        return await self._stream.stop(**last)

    async def _replace(self, ts: str, content: OutgoingMessage) -> bool:
        """End what is left of the stream and set the whole content by an edit."""
        await self._stream.stop(ts)
        return await self._posts.turn_into(ts, content)

    async def _delete_unconfirmed(self) -> None:
        """A stream whose start Slack did not confirm may stand in the thread, empty."""
        try:
            for message in await self._posts.unmarked():
                if not message.get("text") and not message.get("blocks"):
                    await self._stream.delete(str(message["ts"]))
        except SLACK_ERRORS as fault:
            log.info("unconfirmed stream not found", why=error_text(fault))


def presentable(text: str) -> str:
    """The part that stays as it is whatever follows: whole words, nothing that may become a table or code,
    and no more than a message may have in the end."""
    whole = text[: last_break(text)].lstrip()
    whole = whole[: table_at(whole)]
    lines = whole.splitlines(keepends=True)
    while lines and lines[-1].lstrip().startswith("|"):
        lines.pop()
    shown = "".join(lines)
    return silence_mentions(shown[: open_code_at(shown)].rstrip())[:LONGEST]
