"""Slack's Web API as this process calls it: at Slack's pace, patient with its refusals.

Never repeats what could show twice: posting again is `bot.thread.posts`' decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.wire.api_errors import TOKEN_REFUSALS
from bot.wire.rate_limiter import RateLimiter
from tasks.message import ThreadAddress

log = structlog.get_logger(__name__)

#: Calls that change nothing when they are made twice.
_REPEATABLE = {
    "agents.sessions.setStatus", "assistant.threads.setStatus", "assistant.threads.setSuggestedPrompts",
    "chat.update", "conversations.history", "conversations.info", "conversations.replies", "files.info",
    "reactions.add", "reactions.remove", "users.conversations", "users.info", "views.publish",
}  # fmt: skip
TRIES = 4
#: Messages of one page; Slack recommends no more than 200.
PAGE = 200
#: Seconds of one call, reply included.
TIMEOUT = 30.0
#: Slack's words for faults that another try may not meet again.
TRANSIENT = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited",
           "rate_limited", "team_added_to_org", "accesslimited"}  # fmt: skip
#: What goes wrong on the way to Slack, or in what came back.
SLACK_ERRORS = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError, ValueError)


class SlackClient(AsyncWebClient):
    """A client of one workspace. Each of the SDK's methods goes through `api_call`, and so keeps the pace."""

    def __init__(self, token: str, base_url: str, session: aiohttp.ClientSession | None = None) -> None:
        super().__init__(token=token, base_url=base_url, retry_handlers=[], session=session)
        self.pace = RateLimiter()
        self.refused = ""
        """Slack's word, while it does not take the token."""

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        """Call when it is our turn. Raises what the SDK raises, but for 429: that is waited out."""
        await self.pace.turn(api_method, _channel(arguments))
        return await self.call_now(api_method, **arguments)

    async def call_now(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        """Call without waiting for a turn, because the caller has had one."""
        for number in range(1, TRIES + 1):
            try:
                answer = await super().api_call(api_method, **arguments)
            except SLACK_ERRORS as fault:
                if (word := error_text(fault)) in TOKEN_REFUSALS:
                    self.refused = word
                if number == TRIES or not self._may_repeat(api_method, arguments, fault):
                    raise
                log.info("Slack call again", method=api_method, why=error_text(fault), attempt=number)
            else:
                self.refused = ""
                return answer
            await asyncio.sleep(0.3 * number)
            await self.pace.turn(api_method, _channel(arguments))
        raise AssertionError("the last try returns or raises")

    async def start_stream(self, thread: ThreadAddress, user: str, **more: Any) -> str:
        """Begin a streamed message when the caller has had its turn; returns its `ts`."""
        where = {"channel": thread.channel, "thread_ts": thread.ts}
        reader = {"recipient_team_id": thread.team, "recipient_user_id": user}
        answer = await self.call_now("chat.startStream", json={**where, **reader, **more})
        return str(answer["ts"])

    async def messages(
        self, method: str, *, most_pages: int | None = None, **params: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """What `conversations.history` or `.replies` tells, page after page while the caller goes on."""
        cursor: dict[str, str] = {}
        for _ in count() if most_pages is None else range(most_pages):
            asked = {**params, "limit": PAGE, **cursor}
            page = await self.api_call(method, params=asked, http_verb="GET")
            for message in page.get("messages") or ():
                if isinstance(message, dict):
                    yield message
            if not (next_ := (page.get("response_metadata") or {}).get("next_cursor")):
                return
            cursor = {"cursor": next_}

    def _may_repeat(self, method: str, arguments: dict[str, Any], fault: Exception) -> bool:
        if (seconds := retry_after(fault)) is not None:
            log.warning("Slack's rate limit met", method=method, wait=seconds)
            self.pace.hold(method, _channel(arguments), seconds)
            return True
        return method in _REPEATABLE and is_transient(fault)


def retry_after(fault: Exception) -> float | None:
    """Seconds Slack asks to wait; None when it refused for another reason. Nothing was carried out."""
    if not isinstance(fault, SlackApiError):
        return None
    if _status(fault) != 429 and error_text(fault) not in ("ratelimited", "rate_limited"):
        return None
    headers = {str(k).lower(): v for k, v in (getattr(fault.response, "headers", None) or {}).items()}
    said = str(headers.get("retry-after", "1"))
    return min(float(said), 300.0) if said.isdigit() else 1.0


def error_text(fault: Exception) -> str:
    """Slack's word for a refusal, or what broke."""
    return error_code(fault) or f"{type(fault).__name__}: {fault}"[:300]


def is_transient(fault: Exception) -> bool:
    """Whether the same call may go well a moment later. A reply without Slack's word for a refusal is a
    proxy's page or was cut: what became of the call is not known."""
    word = error_code(fault)
    return not word or word in TRANSIENT or _status(fault) >= 500


def error_code(fault: Exception) -> str:
    """Slack's word for a refusal; empty when what came back, if anything did, is not Slack's."""
    data = getattr(fault.response, "data", None) if isinstance(fault, SlackApiError) else None
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def _status(fault: SlackApiError | Exception) -> int:
    response = getattr(fault, "response", None)
    return getattr(response, "status_code", None) or getattr(response, "status", None) or 200


def _channel(arguments: dict[str, Any]) -> str:
    for part in ("json", "params", "data"):
        given = arguments.get(part)
        if isinstance(given, dict) and (channel := given.get("channel") or given.get("channel_id")):
            return str(channel)
    return ""
