"""Slack's session of a task's thread: it shows that the task is at work, with a Stop button of Slack's own.

Sessions are decoration. When calls for them are due faster than Slack allows, tasks go without one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.thread import texts
from bot.timing import BotTiming
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text
from bot.wire.text import one_plain_line
from tasks.orders.order import words_for_people
from tasks.task import State, Task
from text.excerpt import one_line

log = structlog.get_logger(__name__)

_METHOD = "agents.sessions.setStatus"
#: The session's state after an outcome, where it is not "active" (docs.slack.dev, agents.sessions.setStatus).
_AFTER = {State.WAITING: "suspended"}


def status_after(state: State) -> str:
    """The session's state after an outcome."""
    return _AFTER.get(state, "active")


class ThreadSession:
    """The session of one run of a task."""

    def __init__(self, client: SlackClient, task: Task, timing: BotTiming) -> None:
        self._client = client
        self._task = task
        self._timing = timing
        self._is_skipped = False

    async def begin(self, on_refused: Callable[[], None]) -> None:
        """Start the session. Where Slack has none, call `on_refused` and keep a status line, which Slack
        removes by itself, until cancelled."""
        if not await self._client.limiter.acquire(_METHOD, patience=self._timing.decoration):
            self._is_skipped = True
            return
        title = one_line(one_plain_line(words_for_people(self._task.request)), 150) or "Task"
        if await self._set("processing", title=title, initiator_user_id=self._task.user):
            if self._task.message_ts != self._task.thread.ts:
                # The thread may have a session, and Slack takes a title only for a new one.
                await self._client.attempt("agents.sessions.rename", **self._place, title=title)
            return
        on_refused()
        while True:
            await self._status_line(texts.STATUS_LINE)
            await asyncio.sleep(self._timing.status_line)

    async def end(self, status: str) -> None:
        if self._is_skipped:
            return
        await self._client.limiter.acquire(_METHOD)
        if not await self._set(status):
            await self._status_line("")

    async def _set(self, status: str, **more: str) -> bool:
        arguments = {**self._place, "status": status, **more}
        try:
            await self._client.call_now(_METHOD, json=arguments)
        except SLACK_ERRORS as fault:
            log.info("call refused", method=_METHOD, why=error_text(fault))
            return False
        return True

    async def _status_line(self, words: str) -> None:
        await self._client.attempt("assistant.threads.setStatus", **self._place, status=words)

    @property
    def _place(self) -> dict[str, str]:
        return {"channel_id": self._task.thread.channel, "thread_ts": self._task.thread.ts}
