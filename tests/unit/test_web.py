"""The bot's HTTP server: its end, its bounds, and requests that Slack has not signed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.web import WebServer
from bot.wire.app import BoltApp
from bot.wire.http_site import MOST


async def test_it_ends_although_an_answer_takes_long() -> None:
    """aiohttp's own patience is sixty seconds."""
    asked = asyncio.Event()

    async def never() -> list[str]:
        asked.set()
        await asyncio.Event().wait()
        return []

    async def figures() -> bytes:
        return b""

    app = BoltApp("", client=AsyncWebClient("xoxb-1"))
    web = WebServer(app, never, figures, takes_events=False, last_answers=0.1)
    await web.start("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        waiting = asyncio.create_task(session.get(f"http://127.0.0.1:{web.port}/readyz"))
        await asked.wait()
        async with asyncio.timeout(40):
            await web.stop()
        await asyncio.wait([waiting])
        assert isinstance(waiting.exception(), aiohttp.ClientError)


@asynccontextmanager
async def served(*, signing_secret: str = "", **more: Any) -> AsyncIterator[WebServer]:
    async def ready() -> list[str]:
        return []

    async def figures() -> bytes:
        return b"figures"

    app = BoltApp(signing_secret, client=AsyncWebClient("xoxb-1"))
    web = WebServer(app, ready, figures, takes_events=bool(signing_secret), **more)
    try:
        yield web
    finally:
        await web.stop()


async def test_connections_without_a_request_are_closed_and_bounded() -> None:
    async with served(header_seconds=4.0) as web:
        await web.start("127.0.0.1", 0)
        with capture_logs() as lines:
            silent = [await asyncio.open_connection("127.0.0.1", web.port) for _ in range(MOST)]
            for _, writer in silent:
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
            server = web._runners[0].server
            assert server is not None
            async with asyncio.timeout(30):
                while len(server.connections) < MOST:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            refused = [await asyncio.open_connection("127.0.0.1", web.port) for _ in range(20)]
            async with asyncio.timeout(30):
                for reader, _ in [*refused, *silent]:
                    with suppress(ConnectionResetError):
                        assert await reader.read() == b""
        for _, writer in [*silent, *refused]:
            writer.close()
        health = f"http://127.0.0.1:{web.port}/healthz"
        async with aiohttp.ClientSession() as session, session.get(health) as got:
            assert got.status == 200
    assert [line["event"] for line in lines] == ["too many HTTP connections, refused"]


async def test_health_checks_and_metrics_may_have_a_port_of_their_own() -> None:
    async with served(signing_secret="secret") as web, aiohttp.ClientSession() as session:
        await web.start("127.0.0.1", 0, 0)
        statuses = {}
        for port in (web.port, web.health_port):
            for path in ("healthz", "readyz", "metrics"):
                async with session.get(f"http://127.0.0.1:{port}/{path}") as got:
                    statuses[port, path] = got.status
        async with session.post(f"http://127.0.0.1:{web.health_port}/slack/events") as got:
            assert got.status == 404
    assert set(statuses.values()) == {200, 404}
    assert all((status == 200) == (port == web.health_port) for (port, _), status in statuses.items())


@pytest.mark.parametrize("body", ["[" * 1_000_000, "{}"], ids=["deep", "empty"])
async def test_a_body_that_slack_has_not_signed_is_not_parsed(body: str) -> None:
    headers = {"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": "v0=" + "0" * 64,
               "Content-Type": "application/json"}  # fmt: skip
    async with served(signing_secret="secret") as web, aiohttp.ClientSession() as session:
        await web.start("127.0.0.1", 0)
        events = f"http://127.0.0.1:{web.port}/slack/events"
        async with session.post(events, data=body, headers=headers) as got:
            assert got.status == 401


async def test_a_signed_body_that_is_nested_too_deep_is_acked() -> None:
    """Slack would send it again and again."""
    body, now = "[" * 100_000, str(int(time.time()))
    signature = SignatureVerifier("secret").generate_signature(timestamp=now, body=body)
    headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": str(signature),
               "Content-Type": "application/json"}  # fmt: skip
    async with served(signing_secret="secret") as web, aiohttp.ClientSession() as session:
        await web.start("127.0.0.1", 0)
        async with session.post(
            f"http://127.0.0.1:{web.port}/slack/events", data=body, headers=headers
        ) as got:
            assert got.status == 200
