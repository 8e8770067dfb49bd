"""Posts each message of a task exactly once.

The intent is written down first and its key travels as the message's metadata, so that a post whose reply was
lost, or whose process died, is looked for before it is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import structlog

from bot.thread.answer import OutgoingMessage
from bot.timing import STANDARD, BotTiming
from bot.wire.client import SLACK_ERRORS, SlackClient, error_text, is_transient
from tasks.run.thread import NotDelivered
from tasks.store.key_value import KeyValueStore, task_namespace
from tasks.store.tasks import TaskStore
from tasks.task import Task

log = structlog.get_logger(__name__)
T = TypeVar("T")

EVENT_TYPE = "handoff"
#: The name under which the message of the answer's draft is remembered.
DRAFT = "draft"
#: Slack's errors for a thread that takes no posts until a person changes something.
CLOSED = {
    "not_in_channel": "The bot was removed from the channel. Invite it again, and the answer follows.",
    "channel_not_found": "The channel is gone, or the bot was removed from it. Invite it again.",
    "is_archived": "The channel is archived. Unarchive it, and the answer follows.",
    "thread_not_found": "The thread was deleted.",
    "token_revoked": "The bot's token was revoked. Install the app again and set SLACK_BOT_TOKEN.",
    "token_expired": "The bot's token has expired. Install the app again and set SLACK_BOT_TOKEN.",
    "account_inactive": "The app was removed from the workspace. Install it again.",
    "invalid_auth": "Slack does not know the bot's token. Check SLACK_BOT_TOKEN.",
    "not_authed": "Slack got no token. Check SLACK_BOT_TOKEN.",
    "missing_scope": "The app lacks the scope chat:write. Add it and install the app again.",
    "restricted_action": "A setting of the workspace forbids the bot to post in this channel.",
    "restricted_action_read_only_channel": "The channel is read-only for the bot.",
    "restricted_action_thread_only_channel": "The channel takes replies only.",
    "restricted_action_non_threadable_channel": "The channel takes no replies in threads.",
}
#: Slack's errors for a thread whose first message was deleted.
_GONE = {"thread_not_found", "message_not_found"}


class ThreadPosts:
    """One task's messages in its thread, by key."""

    def __init__(
        self, client: SlackClient, store: TaskStore, task: Task, timing: BotTiming = STANDARD
    ) -> None:
        self._timing = timing
        self._client = client
        self._store = store
        self._task = task
        self._kept = KeyValueStore(store.database, store.patience)
        self._place = task_namespace(task.id)
        # Read once: while this run has the task, no other writes them.
        self._posts: dict[str, str | None] | None = None
        self._drafts: dict[str, Any] | None = None

    async def post_once(self, key: str, **content: Any) -> str:
        """Post under `key` unless that has been done; returns the message's `ts`.

        Waits while Slack is away. Raises `NotDelivered` when the thread can't be written to, Slack's own
        error when it refuses this message for good, and `StaleRunner` when another process has the task.
        """
        known = await self.known()
        if ts := known.get(key):
            return ts
        ts = await self._find_posted(key) if key in known else None
        if ts is None:
            ts = await self._post(key, content)
        await self._confirm(key, ts)
        return ts

    async def known(self) -> dict[str, str | None]:
        """The task's posts: see `tasks.store.outbox.Outbox.posts`."""
        if self._posts is None:
            self._posts = await self._store.outbox.posts(self._task.id)
        return self._posts

    async def remember(self, key: str, ts: str) -> None:
        """Write down that `ts` is the message of `key`, however it was posted."""
        await self._store.outbox.intend(self._task.id, key)
        await self._confirm(key, ts)

    async def _confirm(self, key: str, ts: str) -> None:
        """Also for a run that has lost its task: a message that it posted late has to be deleted."""
        (await self.known())[key] = ts
        if not await self._store.outbox.posted(self._task.id, key, ts):
            log.warning("another process has posted it too, deleted", key=key)
            try:
                await self._client.chat_delete(channel=self._task.thread.channel, ts=ts)
            except SLACK_ERRORS as fault:
                log.warning("message is in the thread twice", key=key, why=error_text(fault))

    async def turn_into(self, ts: str, content: OutgoingMessage) -> bool:
        """Edit a message so that it is `content`; False when Slack refuses. Waits as `post_once` does."""
        edit = {
            "channel": self._task.thread.channel, "ts": ts, "text": content.text, "blocks": content.blocks,
            "metadata": self.metadata(content.key),
        }  # fmt: skip
        try:
            await self.insist(content.key, lambda: self._client.api_call("chat.update", json=edit))
        except NotDelivered:
            raise
        except SLACK_ERRORS as fault:
            log.warning("message not edited, posting another", key=content.key, why=error_text(fault))
            return False
        return True

    async def draft_ts(self, name: str) -> str:
        """What is remembered under `name`, mostly a message's `ts`; empty when there is nothing."""
        return str((await self._all_drafts()).get(name) or "")

    async def remember_draft(self, name: str, ts: str) -> None:
        """Remember an unfinished message, so that another process can finish it."""
        await self._kept.put(self._place, name, ts)
        (await self._all_drafts())[name] = ts

    async def forget_draft(self, name: str) -> None:
        """Forget what is remembered under `name`."""
        if (await self._all_drafts()).pop(name, None) is not None:
            await self._kept.put(self._place, name, None)

    async def _all_drafts(self) -> dict[str, Any]:
        if self._drafts is None:
            self._drafts = await self._kept.all(self._place)
        return self._drafts

    def metadata(self, key: str) -> dict[str, Any]:
        """A message's metadata, by which it is found again."""
        return {"event_type": EVENT_TYPE, "event_payload": {"key": f"{self._task.id}/{key}"}}

    async def insist(self, key: str, call: Callable[[], Awaitable[T]]) -> T:
        """Repeat an idempotent call until Slack answers it; raises as `post_once` does."""
        attempt = 0
        while True:
            try:
                return await call()
            except SLACK_ERRORS as fault:
                attempt += 1
                await self._wait_out(fault, key, attempt)

    async def thread_exists(self) -> bool:
        """False when the thread's first message was deleted before anything stood below it. Slack would put a
        post for it into the channel. Asks Slack until this task has posted something."""
        if any((await self.known()).values()):
            return True
        thread = self._task.thread
        try:
            await self._client.conversations_replies(channel=thread.channel, ts=thread.ts, limit=1)
        except SLACK_ERRORS as fault:
            return error_text(fault) not in _GONE
        return True

    async def _post(self, key: str, content: dict[str, Any]) -> str:
        thread, attempt = self._task.thread, 0
        if not await self.thread_exists():
            raise NotDelivered(CLOSED["thread_not_found"], for_good=True)
        where = {"channel": thread.channel, "thread_ts": thread.ts, "metadata": self.metadata(key)}
        while True:
            await self._client.limiter.acquire("chat.postMessage", thread.channel)
            # Not before the wait: a process that is frozen in it may have lost the task.
            await self._store.outbox.intend(self._task.id, key, runner=self._task.runner)
            try:
                answer = await self._client.call_now("chat.postMessage", json={**where, **content})
                return str(answer["ts"])
            except SLACK_ERRORS as fault:
                attempt += 1
                await self._wait_out(fault, key, attempt)
            if ts := await self._find_posted(key):
                return ts

    async def _find_posted(self, key: str) -> str | None:
        """The message with this key, if an earlier try arrived after all."""
        return await self.insist(key, lambda: self.find(key))

    async def _wait_out(self, fault: Exception, key: str, attempt: int) -> None:
        """Sleep before another try; raises when another try is useless."""
        if why := CLOSED.get(error_text(fault)):
            gone = error_text(fault) == "thread_not_found"
            raise NotDelivered(why, for_good=gone) from fault
        if not is_transient(fault):
            raise fault
        pause = min(0.5 * 2**attempt, self._timing.longest_post_retry)
        log.warning("post refused, trying again", key=key, why=error_text(fault), wait=pause)
        await asyncio.sleep(pause)

    async def unmarked(self) -> list[dict[str, Any]]:
        """Messages of apps in the thread without a key: progress, and streams without an end. Raises what the
        client raises."""
        return [
            message
            async for message in self._replies()
            if message.get("bot_id") and not message.get("metadata") and not message.get("files")
        ]

    async def find(self, key: str) -> str | None:
        """The `ts` of the message with this key in the thread. Raises what the client raises."""
        wanted = self.metadata(key)["event_payload"]
        async for message in self._replies():
            if (message.get("metadata") or {}).get("event_payload") == wanted:
                return str(message["ts"])
        return None

    def _replies(self) -> AsyncIterator[dict[str, Any]]:
        """The thread's messages since the request."""
        thread, since = self._task.thread, self._task.message_ts.partition(":")[0]
        return self._client.messages(
            "conversations.replies", channel=thread.channel, ts=thread.ts, oldest=since,
            include_all_metadata=True,
        )  # fmt: skip
