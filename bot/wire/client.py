"""A client for Slack's Web API with rate limiting and retries.

It retries only calls that are idempotent; `bot.thread.posts` retries posts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.wire.api_errors import TOKEN_REFUSALS
from bot.wire.native_blocks import in_older_form, refused_by
from bot.wire.outgoing import OutgoingFilter
from bot.wire.proxy import proxy_for
from bot.wire.rate_limiter import RateLimiter
from tasks.message import ThreadAddress

log = structlog.get_logger(__name__)

#: Idempotent calls.
_IDEMPOTENT = {
    "agents.sessions.rename", "agents.sessions.setStatus", "assistant.search.context",
    "assistant.threads.setStatus", "assistant.threads.setSuggestedPrompts", "chat.update",
    "conversations.history", "conversations.info", "conversations.replies", "files.info", "reactions.add",
    "reactions.remove", "users.conversations", "users.info", "views.publish",
}  # fmt: skip
#: Calls that a thread can do without. One that does not exist is not made again for `ABSENT_SECONDS`.
DISPENSABLE = {
    "agents.sessions.setStatus", "assistant.threads.setStatus", "assistant.threads.setSuggestedPrompts",
    "chat.startStream",
}  # fmt: skip
ABSENT_SECONDS = 600.0
TRIES = 4
#: Messages of one page; Slack recommends no more than 200.
PAGE = 200
#: Seconds of one call, reply included.
TIMEOUT = 30.0
#: Slack's error codes that may not occur at the next try.
TRANSIENT = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited",
           "rate_limited", "team_added_to_org", "accesslimited"}  # fmt: skip
#: Slack's error codes for a method that does not exist, or not for this app.
_UNKNOWN = {"unknown_method", "method_deprecated", "deprecated_endpoint"}
#: Slack's error codes for a channel that the bot is not in, or that is archived.
ABSENT = {"not_in_channel", "channel_not_found", "is_archived"}
#: Everything that a call can raise: Slack's refusals, network errors, unreadable replies.
SLACK_ERRORS = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError, ValueError)


class SlackClient(AsyncWebClient):
    """A client of one workspace. All of the SDK's methods go through `api_call` and its limiter."""

    def __init__(
        self, token: str, base_url: str, session: aiohttp.ClientSession | None = None,
        secrets: Sequence[str] = (), bots: Callable[[], int] = lambda: 1,
    ) -> None:  # fmt: skip
        """`secrets`: values that must not be posted, beside the token. `bots`: see `RateLimiter`."""
        super().__init__(token=token, base_url=base_url, retry_handlers=[], session=session)
        self.proxy = proxy_for(self.base_url)
        self.limiter = RateLimiter(bots=bots)
        self.outgoing = OutgoingFilter((*secrets, token))
        self._absent: dict[str, tuple[float, Exception]] = {}
        self.refused = ""
        """Slack's error code, as long as it refuses the token."""
        self._own_ids: frozenset[str] = frozenset()
        self.refused_blocks: set[str] = set()
        """Types of blocks that Slack has refused here, and that are not sent again."""

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        """Wait for the rate limiter, then call. Raises the SDK's errors, except for status 429."""
        await self.limiter.acquire(api_method, _channel(arguments))
        return await self.call_now(api_method, **arguments)

    async def call_now(self, api_method: str, *, tries: int = TRIES, **arguments: Any) -> AsyncSlackResponse:
        """Call without the rate limiter: the caller has acquired its turn already."""
        if api_method in self._absent and self._absent[api_method][0] > time.monotonic():
            raise self._absent[api_method][1]
        arguments = in_older_form(self.outgoing.apply(api_method, arguments), self.refused_blocks)
        for number in range(1, tries + 1):
            try:
                answer = await super().api_call(api_method, **arguments)
            except SLACK_ERRORS as error:
                if (word := error_text(error)) in TOKEN_REFUSALS:
                    self.refused = word
                if api_method in DISPENSABLE and is_absent(error):
                    log.warning("Slack has no such method, left out for a while", method=api_method, why=word)
                    self._absent[api_method] = (time.monotonic() + ABSENT_SECONDS, error)
                if number < tries and (refused := refused_by(arguments, error)):
                    log.warning("Slack refuses blocks, sent in an older form", types=sorted(refused))
                    self.refused_blocks |= refused
                    arguments = in_older_form(arguments, refused)
                    continue
                if not self._may_repeat(api_method, arguments, error) or number == tries:
                    raise
                log.info("retrying a Slack call", method=api_method, why=error_text(error), attempt=number)
            else:
                self.refused = ""
                return answer
            await asyncio.sleep(0.3 * number)
            await self.limiter.acquire(api_method, _channel(arguments))
        raise AssertionError("the last try returns or raises")

    async def attempt(self, api_method: str, **arguments: Any) -> bool:
        """Make a call whose failure is only logged; answers whether Slack took it."""
        try:
            await self.api_call(api_method, json=arguments)
        except SLACK_ERRORS as fault:
            log.info("call refused", method=api_method, why=error_text(fault))
            return False
        return True

    async def start_stream(self, thread: ThreadAddress, user: str, **more: Any) -> str:
        """Start a streamed message and return its `ts`. The caller has acquired its turn already. A rate
        limit is raised at once: what would be streamed may be over before it has passed."""
        where = {"channel": thread.channel, "thread_ts": thread.ts}
        reader = {"recipient_team_id": thread.team, "recipient_user_id": user}
        answer = await self.call_now("chat.startStream", tries=1, json={**where, **reader, **more})
        return str(answer["ts"])

    async def own_ids(self) -> frozenset[str]:
        """The bot's user id and bot id in this workspace, asked once."""
        if not self._own_ids:
            who = await self.auth_test()
            self._own_ids = frozenset(str(who[name]) for name in ("user_id", "bot_id") if who.get(name))
        return self._own_ids

    async def message(self, channel: str, thread_ts: str, ts: str) -> dict[str, Any] | None:
        """One message of a thread; None when it is not there. Raises Slack's errors."""
        page = await self.conversations_replies(
            channel=channel, ts=thread_ts, oldest=ts, latest=ts, inclusive=True, limit=2
        )
        found = (one for one in page.get("messages") or () if isinstance(one, dict) and one.get("ts") == ts)
        return next(found, None)

    async def messages(
        self, method: str, *, most_pages: int | None = None, **params: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """The messages of `conversations.history` or `.replies`."""
        async for message in self.items(method, "messages", most_pages=most_pages, **params):
            yield message

    async def items(
        self, method: str, key: str, *, most_pages: int | None = None, **params: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """The objects in the list `key` of a method's pages, which are fetched as the caller iterates. A page
        has `PAGE` objects unless `limit` says otherwise."""
        cursor: dict[str, str] = {}
        for _ in count() if most_pages is None else range(most_pages):
            asked = {"limit": PAGE, **params, **cursor}
            page = await self.api_call(method, params=asked, http_verb="GET")
            for item in page.get(key) or ():
                if isinstance(item, dict):
                    yield item
            if not (next_ := (page.get("response_metadata") or {}).get("next_cursor")):
                return
            cursor = {"cursor": next_}

    def _may_repeat(self, method: str, arguments: dict[str, Any], error: Exception) -> bool:
        if (seconds := retry_after(error)) is not None:
            log.warning("rate limited by Slack", method=method, wait=seconds)
            self.limiter.pause(method, _channel(arguments), seconds)
            return True
        return method in _IDEMPOTENT and is_transient(error)


def retry_after(error: Exception) -> float | None:
    """Seconds that Slack asks to wait when it rate-limited the call; None for any other error."""
    if not isinstance(error, SlackApiError):
        return None
    if _status(error) != 429 and error_text(error) not in ("ratelimited", "rate_limited"):
        return None
    headers = {str(k).lower(): v for k, v in (getattr(error.response, "headers", None) or {}).items()}
    said = str(headers.get("retry-after", "1"))
    return min(float(said), 300.0) if said.isdigit() else 1.0


def error_text(error: Exception) -> str:
    """Slack's error code, or the exception in one line."""
    return error_code(error) or f"{type(error).__name__}: {error}"[:300]


def is_transient(error: Exception) -> bool:
    """Whether a retry may succeed. A reply without an error code comes from a proxy or was cut off; Slack may
    have carried out the call."""
    if is_absent(error):
        return False
    word = error_code(error)
    return not word or word in TRANSIENT or _status(error) >= 500


def is_absent(error: Exception) -> bool:
    """Whether the method does not exist, says Slack or a proxy in between: it is refused each time."""
    return error_code(error) in _UNKNOWN or (not error_code(error) and _status(error) == 404)


def error_code(error: Exception) -> str:
    """Slack's error code; empty when there is no reply from Slack."""
    data = getattr(error.response, "data", None) if isinstance(error, SlackApiError) else None
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def _status(error: SlackApiError | Exception) -> int:
    response = getattr(error, "response", None)
    return getattr(response, "status_code", None) or getattr(response, "status", None) or 200


def _channel(arguments: dict[str, Any]) -> str:
    for part in ("json", "params", "data"):
        given = arguments.get(part)
        if isinstance(given, dict) and (channel := given.get("channel") or given.get("channel_id")):
            return str(channel)
    return ""
