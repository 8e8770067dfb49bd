"""The thread of a standing order's run: no plan, and nothing at all when there is nothing to report."""

from __future__ import annotations

import structlog

from bot.thread.thread import SlackThread, safely
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text
from tasks.orders.order import ORDER_KEY, is_silent
from tasks.store.key_value import KeyValueStore, task_namespace
from tasks.task import Outcome, State, Task

log = structlog.get_logger(__name__)


async def is_order_run(kept: KeyValueStore, task: Task) -> bool:
    """Whether a standing order started the task."""
    return bool(await kept.get(task_namespace(task.id), ORDER_KEY))


class OrderRunThread(SlackThread):
    """A `SlackThread` that deletes what it has shown when the run has nothing to report."""

    async def deliver(self, outcome: Outcome) -> None:
        if outcome.state is not State.ANSWERED or not is_silent(outcome.text):
            return await super().deliver(outcome)
        if self._beginning is not None:
            self._beginning.cancel()
        self._line.is_closed = True
        await safely(self._draft.discard)
        await safely(self._line.delete)
        thread = self._task.thread
        if self._task.message_ts == thread.ts and await _is_own(self._client, thread.channel, thread.ts):
            await self._client.attempt("chat.delete", channel=thread.channel, ts=thread.ts)
        self._end = outcome


async def _is_own(client: SlackClient, channel: str, ts: str) -> bool:
    """Whether the bot wrote a message; a watch runs in the thread of another's."""
    try:
        first = await client.message(channel, ts, ts)
        own = await client.own_ids()
    except SLACK_ERRORS as fault:
        log.info("first message of a run not deleted", why=error_text(fault))
        return False
    return first is not None and first.get("user") in own
