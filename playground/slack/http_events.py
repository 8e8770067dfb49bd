"""The HTTP transport: posts signed events, interactions and commands to the bot's URL.

Signs as Slack does: HMAC-SHA256 over `v0:<time>:<raw body>` with the app's signing secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from urllib.parse import urlencode

import aiohttp

from playground.slack.deliveries import Delivery, DeliveryFailed
from playground.slack.errors import SlackError
from playground.slack.world import Json


class UrlNotVerified(SlackError):
    """The bot's URL did not return the challenge, so Slack would not accept it."""


class HttpEvents:
    """Posts to one URL."""

    def __init__(self, session: aiohttp.ClientSession, url: str, signing_secret: str) -> None:
        self._session = session
        self._url = url
        self._secret = signing_secret

    async def verify(self, token: str) -> None:
        """Slack's challenge before it accepts a URL. Raises UrlNotVerified."""
        challenge = secrets.token_urlsafe(24)
        payload = {"token": token, "challenge": challenge, "type": "url_verification"}
        try:
            answer = await self.deliver(Delivery("events_api", payload), deadline=3)
        except DeliveryFailed as missed:
            raise UrlNotVerified(f"{self._url} did not answer the challenge ({missed.reason}).") from missed
        if challenge not in (answer.get("challenge"), answer.get("text")):
            raise UrlNotVerified(f"{self._url} answered without the challenge.")

    async def deliver(self, delivery: Delivery, deadline: float) -> Json:
        body, headers = _body(delivery)
        headers |= signature(self._secret, body) | _retry(delivery)
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, timeout=aiohttp.ClientTimeout(total=deadline)
            ) as response:
                if response.ok:
                    return _read_answer(response.content_type, await response.text())
                final = response.headers.get("X-Slack-No-Retry") == "1"
                raise DeliveryFailed("http_error", final=final)
        except TimeoutError:
            raise DeliveryFailed("http_timeout") from None
        except aiohttp.TooManyRedirects:
            raise DeliveryFailed("too_many_redirects") from None
        except aiohttp.ClientError:
            raise DeliveryFailed("connection_failed") from None


def signature(secret: str, body: bytes) -> dict[str, str]:
    """The two headers that sign a request."""
    timestamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}


def _body(delivery: Delivery) -> tuple[bytes, dict[str, str]]:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    match delivery.kind:
        case "events_api":
            return json.dumps(delivery.payload).encode(), {"Content-Type": "application/json"}
        case "interactive":
            return urlencode({"payload": json.dumps(delivery.payload)}).encode(), form
        case "slash_commands":
            return urlencode(delivery.payload).encode(), form


def _retry(delivery: Delivery) -> dict[str, str]:
    if not delivery.attempt:
        return {}
    return {"X-Slack-Retry-Num": str(delivery.attempt), "X-Slack-Retry-Reason": delivery.reason}


def _read_answer(content_type: str, text: str) -> Json:
    if content_type == "application/json":
        try:
            answer = json.loads(text)
        except json.JSONDecodeError:
            raise DeliveryFailed("http_error") from None
        return answer if isinstance(answer, dict) else {}
    return {"text": text} if text.strip() else {}
