"""Signed HTTP with a real Bolt app behind aiohttp: signatures, the challenge, repeats and interactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier

from playground.slack import SlackStandIn
from playground.slack.errors import NotAnswered
from playground.slack.http_events import UrlNotVerified, signature

GENERAL, ADA = "C0GENERAL", "U0ADA0001"
Body = dict[str, Any]


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """The address of a web application for as long as the block lasts."""
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


def answering(handle: Callable[[web.Request], Awaitable[web.Response]]) -> web.Application:
    app = web.Application()
    app.router.add_post("/slack/events", handle)
    return app


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn(rate_limits=False, ack_deadline=20) as running:
        yield running


def test_the_signature_is_what_the_sdk_expects() -> None:
    body = '{"text":"héllo"}'
    headers = signature("secret", body.encode())
    assert SignatureVerifier("secret").is_valid_request(body, headers)
    assert not SignatureVerifier("other").is_valid_request(body, headers)


async def test_a_bolt_app_gives_the_challenge_back_and_hears_events(
    slack: SlackStandIn, app: AsyncApp
) -> None:
    heard: asyncio.Queue[Body] = asyncio.Queue()

    @app.event("message")
    async def hear(event: Body) -> None:
        await heard.put(event)

    async with served(app.web_app("/slack/events")) as url:
        await slack.send_events_to(url)
        await slack.post(ADA, GENERAL, "hello")
        async with asyncio.timeout(30):
            assert (await heard.get())["text"] == "hello"


async def test_commands_and_buttons_are_answered_in_the_reply(slack: SlackStandIn, app: AsyncApp) -> None:
    @app.command("/handoff")
    async def status(ack: Any, command: Body) -> None:
        await ack(f"nothing for {command['text']}")

    async with served(app.web_app("/slack/events")) as url:
        await slack.send_events_to(url)
        await slack.slash(ADA, GENERAL, "/handoff", "status")
        with pytest.raises(NotAnswered):
            await slack.slash(ADA, GENERAL, "/unknown")
    assert [(shown.user, shown.message.text) for shown in slack.state.ephemerals] == [
        (ADA, "nothing for status")
    ]


async def test_a_foreign_signature_is_turned_away(slack: SlackStandIn, app: AsyncApp) -> None:
    forged = signature("wrong", b"{}")
    async with (
        served(app.web_app("/slack/events")) as url,
        aiohttp.ClientSession() as session,
        session.post(url, data=b"{}", headers=forged) as answer,
    ):
        assert answer.status == 401


async def test_an_address_without_the_challenge_is_not_taken(slack: SlackStandIn) -> None:
    async def deaf(request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async with served(answering(deaf)) as url:
        with pytest.raises(UrlNotVerified, match="without the challenge"):
            await slack.send_events_to(url)
    with pytest.raises(UrlNotVerified, match="connection_failed"):
        await slack.send_events_to(url)


async def test_an_event_for_a_failing_bot_is_retried_three_times_with_the_reason() -> None:
    retries: list[tuple[str | None, str | None]] = []

    async def fail(request: web.Request) -> web.Response:
        headers = request.headers
        retries.append((headers.get("X-Slack-Retry-Num"), headers.get("X-Slack-Retry-Reason")))
        if len(retries) == 2:
            await asyncio.sleep(0.5)
        return web.Response(status=500)

    async with (
        served(answering(fail)) as url,
        SlackStandIn(events_url=url, ack_deadline=0.3, retry_delays=(0.0, 0.1, 0.1)) as slack,
    ):
        await slack.post(ADA, GENERAL, "hello")
        await slack.acknowledged()
    assert retries == [(None, None), ("1", "http_error"), ("2", "http_timeout"), ("3", "http_error")]


async def test_a_bot_can_ask_for_no_repeat() -> None:
    seen: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        seen.append(await request.text())
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    async with (
        served(answering(refuse)) as url,
        SlackStandIn(events_url=url, retry_delays=(0.0, 0.0)) as slack,
    ):
        await slack.post(ADA, GENERAL, "hello")
        await slack.acknowledged()
    assert len(seen) == 1
