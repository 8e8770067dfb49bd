"""The bot's connections while Slack is away or refuses the token: what the log says, how they come back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from io import StringIO

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.observability import logging
from bot.settings import Settings
from bot.timing import BotTiming
from bot.wire.app import BoltApp
from bot.wire.socket_mode import CONNECTIONS, SocketMode
from playground.slack import SlackStandIn

pytestmark = pytest.mark.usefixtures("restored_logging")

TROUBLE = ("warning", "error", "critical")


class Log:
    """What an operator reads, libraries' lines among it."""

    def __init__(self) -> None:
        self._stream = StringIO()
        logging.configure_logging(Settings(log_format="json"), self._stream)

    def lines(self, *levels: str) -> list[str]:
        found = [json.loads(line) for line in self._stream.getvalue().splitlines()]
        assert not [line for line in found if "exception" in line], "a traceback helps no operator here"
        return [line["event"] for line in found if line["level"] in levels]


QUICK = BotTiming(ping=0.05)


@pytest.fixture
def log() -> Log:
    return Log()


@asynccontextmanager
async def connecting(
    api_url: str, app_token: str = "xapp-1", timing: BotTiming = QUICK
) -> AsyncIterator[SocketMode]:
    """Connections that are being opened while the block runs."""
    app = BoltApp("", client=AsyncWebClient("xoxb-1", base_url=api_url))
    ours = SocketMode(app, app_token, timing)
    start = asyncio.create_task(ours.start())
    try:
        yield ours
    finally:
        start.cancel()
        await asyncio.wait([start])
        await ours.stop()


async def until(is_so: Callable[[], object]) -> None:
    for _ in range(1000):
        if is_so():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


async def test_a_token_that_is_revoked_later_is_reported_once_and_again_when_it_is_over(log: Log) -> None:
    async with SlackStandIn() as slack, connecting(slack.api_url, slack.app_token):
        await slack.wait_for(lambda _: slack.connections == CONNECTIONS)
        opened = len(slack.calls)
        slack.fail("apps.connections.open", "token_revoked", times=12)
        slack.drop_sockets()
        await slack.wait_for(lambda _: len(slack.calls) - opened >= 12 and slack.connections == CONNECTIONS)
        await until(lambda: "connected to Slack again" in log.lines("info"))
    assert log.lines(*TROUBLE) == [
        "SLACK_APP_TOKEN can't be used: it was revoked. Generate one with the scope connections:write, under "
        "App-Level Tokens."
    ]
    assert log.lines("info").count("connected to Slack again") == 1


async def test_a_slack_that_is_away_is_reported_with_its_address_and_found_again(log: Log) -> None:
    async with SlackStandIn() as slack:
        port, token = int(slack.url.rpartition(":")[2]), slack.app_token
    async with connecting(slack.api_url, token) as ours:
        await until(lambda: log.lines(*TROUBLE))
        assert await ours.connected() == 0
        back = SlackStandIn(port=port)
        back.credentials.app_token = token
        async with back:
            await back.wait_for(lambda _: back.connections == CONNECTIONS)
            (sentence,) = log.lines(*TROUBLE)
    assert sentence.startswith(f"Slack can't be reached at 127.0.0.1:{port} (")
    assert sentence.endswith(" Look at the network and SLACK_API_URL.")


async def test_what_lasts_is_reported_again_after_a_while(log: Log) -> None:
    timing = replace(QUICK, outage_reminder=0.2)
    async with connecting("http://127.0.0.1:1/api/", timing=timing):
        await until(lambda: len(log.lines(*TROUBLE)) == 2)
    assert len(set(log.lines(*TROUBLE))) == 1


async def test_an_address_that_did_not_serve_is_not_tried_again(log: Log) -> None:
    """Slack's serve once, and not for long: with the first one a client would be refused for ever."""
    asked: list[str] = []

    async def give(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "url": f"ws://{request.host}/link?ticket={len(asked)}secret"})

    async def link(request: web.Request) -> web.StreamResponse:
        asked.append(request.query["ticket"])
        if asked.count(asked[-1]) > 1 or len(asked) == 1:
            return web.Response(status=403)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket

    server = web.Application()
    server.add_routes([web.post("/api/apps.connections.open", give), web.get("/link", link)])
    runner = web.AppRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    async with connecting(f"http://{host}/api/"):
        await until(lambda: len(asked) == CONNECTIONS + 1 and "connected to Slack" in log.lines("info"))
    await runner.cleanup()
    assert len(set(asked)) == len(asked)
    assert log.lines(*TROUBLE) == [
        f"Slack can't be reached at {host} (HTTP status 403). Look at the network and SLACK_API_URL."
    ]


async def test_a_slack_that_does_not_say_goodbye_is_left() -> None:
    """Two goodbyes of aiohttp's ten seconds each would not fit."""
    async with SlackStandIn() as slack, connecting(slack.api_url, slack.app_token) as ours:
        await slack.wait_for(lambda _: slack.connections == CONNECTIONS)
        slack.drop_sockets(half=True)
        async with asyncio.timeout(15):
            await ours.stop()
        assert await ours.connected() == 0
