"""The state machine of a streamed message: running, stopped, stopped by a person, or expired.

The methods check who may start a stream and where.
"""

from __future__ import annotations

import time
from dataclasses import replace

from playground.slack.background import Background
from playground.slack.blocks import MAX_BLOCKS
from playground.slack.chunks import StreamContent
from playground.slack.errors import Refused
from playground.slack.events import Events
from playground.slack.limits import MAX_MARKDOWN, MAX_STREAM_WEIGHT
from playground.slack.messages import SlackPost, Stream
from playground.slack.state import WorkspaceState
from playground.slack.world import Json

MAX_ROWS = 50


class Streams:
    """`lifetime` is in seconds from the start. Appending does not extend it."""

    def __init__(
        self, state: WorkspaceState, events: Events, background: Background, lifetime: float
    ) -> None:
        self._state = state
        self._events = events
        self._background = background
        self._lifetime = lifetime

    def start(self, message: SlackPost, content: StreamContent) -> SlackPost:
        """Posts `message`, which has a new stream, with its first content."""
        started = _with_content(message, content)
        self._state.put_message(started)
        self._events.posted(started)
        self._expire_in(self._lifetime, message)
        return started

    def resume(self) -> None:
        """Streams of an earlier run end at their time, too."""
        for message in self._state.messages:
            if message.stream and message.stream.state == "streaming":
                self._expire_in(max(0.0, self._lifetime + float(message.ts) - time.time()), message)

    def _expire_in(self, seconds: float, message: SlackPost) -> None:
        self._background.later(seconds, lambda: self._expire(message.channel, message.ts))

    def append(self, message: SlackPost, content: StreamContent) -> SlackPost:
        """Appends to a running stream. Raises Refused if it has ended."""
        if _running(message).state == "stopped":
            raise Refused("stopped_by_user")
        appended = _with_content(message, content)
        self._state.put_message(appended)
        return appended

    def stop(
        self, message: SlackPost, content: StreamContent, blocks: tuple[Json, ...], metadata: Json | None
    ) -> SlackPost:
        """Stops a running stream with its last content. `blocks` come after everything streamed."""
        if _running(message).state == "stopped":
            raise Refused("message_not_in_streaming_state")
        last = _with_content(message, content)
        assert last.stream is not None
        done = replace(
            last,
            stream=replace(last.stream, state="done"),
            blocks=(*last.blocks, *blocks),
            metadata=metadata or last.metadata,
        )
        self._state.put_message(done)
        self._events.changed(message, done)
        return done

    def _expire(self, channel: str, ts: str) -> None:
        message = self._state.message(channel, ts)
        if message and message.stream and message.stream.state == "streaming":
            self._state.put_message(replace(message, stream=replace(message.stream, state="broken")))


def _running(message: SlackPost) -> Stream:
    """The stream of a message, running or stopped by a person."""
    if message.stream is None or message.stream.state in ("done", "broken"):
        raise Refused("message_not_in_streaming_state")
    return message.stream


def _with_content(message: SlackPost, content: StreamContent) -> SlackPost:
    stream = message.stream
    assert stream is not None
    if content.form and stream.form and content.form != stream.form:
        raise Refused("streaming_mode_mismatch")
    for row in content.rows:
        stream = stream.with_row(row)
    stream = replace(
        stream,
        form=stream.form or content.form,
        title=stream.title if content.title is None else content.title,
    )
    markdown = (message.markdown or "") + content.markdown
    blocks = (*message.blocks, *content.blocks)
    _check_size(stream, markdown, blocks)
    return replace(message, stream=stream, markdown=markdown or None, blocks=blocks)


def _check_size(stream: Stream, markdown: str, blocks: tuple[Json, ...]) -> None:
    if len(stream.rows) > MAX_ROWS or len(blocks) > MAX_BLOCKS:
        raise Refused("msg_blocks_too_many")
    if len(markdown) > MAX_MARKDOWN:
        raise Refused("msg_too_long")
    if markdown and stream.rows and _weight(stream, markdown) > MAX_STREAM_WEIGHT:
        raise Refused("msg_too_long")


def _weight(stream: Stream, markdown: str) -> int:
    once = [markdown, stream.title, *(row.title for row in stream.rows)]
    twice = [text for row in stream.rows for text in (row.details, row.output)]
    return sum(len(text.encode()) for text in once) + 2 * sum(len(text.encode()) for text in twice)
