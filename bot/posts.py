"""Posts that appear exactly once, whatever happens between us and Slack.

The intent is written down first and its key travels as the message's metadata, so that a post whose reply was
lost, or whose process died, is looked for before it is made again. Never decides what to say.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from tasks.store import Store
from tasks.task import Task

log = structlog.get_logger(__name__)

EVENT_TYPE = "handoff"
TRIES = 5
#: Slack's words for faults that another try may not meet again.
_PASSING = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited",
            "rate_limited"}  # fmt: skip


class Posts:
    """One task's messages in its thread, by key."""

    def __init__(self, client: AsyncWebClient, store: Store, task: Task) -> None:
        self._client = client
        self._store = store
        self._task = task

    async def once(self, key: str, **content: Any) -> str:
        """Post under `key` unless that has been done; returns the message's `ts`.

        Raises Slack's error when it refuses the message for good, or still fails after the last try.
        """
        known = await self._store.posts(self._task.id)
        if ts := known.get(key):
            return ts
        ts = await self._find(key) if key in known else None
        if ts is None:
            await self._store.intend(self._task.id, key)
            ts = await self._post(key, content)
        await self._store.posted(self._task.id, key, ts)
        return ts

    async def _post(self, key: str, content: dict[str, Any]) -> str:
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"key": self._full(key)}}
        for attempt in range(1, TRIES + 1):
            try:
                answer = await self._client.chat_postMessage(
                    channel=self._task.thread.channel,
                    thread_ts=self._task.thread.ts,
                    metadata=metadata,
                    **content,
                )
                return str(answer["ts"])
            except (SlackClientError, TimeoutError, OSError) as error:
                if attempt == TRIES or not _passes(error):
                    raise
                log.warning("post failed, looking before the next try", key=key, why=str(error))
                await asyncio.sleep(attempt)
                if ts := await self._find(key):
                    return ts
        raise AssertionError("the last try returns or raises")

    async def _find(self, key: str) -> str | None:
        """The message that carries our key, if an earlier try arrived after all."""
        cursor: str | None = None
        while True:
            page = await self._client.conversations_replies(
                channel=self._task.thread.channel,
                ts=self._task.thread.ts,
                oldest=self._task.message_ts,
                include_all_metadata=True,
                limit=200,
                cursor=cursor,
            )
            for message in page.get("messages") or ():
                if (message.get("metadata") or {}).get("event_payload", {}).get("key") == self._full(key):
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None

    def _full(self, key: str) -> str:
        return f"{self._task.id}/{key}"


def _passes(error: Exception) -> bool:
    if not isinstance(error, SlackApiError):
        return True
    status = getattr(error.response, "status_code", 200)
    return status >= 500 or status == 429 or error.response.get("error") in _PASSING
