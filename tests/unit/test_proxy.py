"""The forward proxy of the environment: Slack's API, downloads and uploads go through it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from bot.wire.client import SlackClient
from bot.wire.proxy import proxy_for
from playground.slack import SlackStandIn

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def forward_proxy() -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that forwards what it is asked for; and the paths of the requests."""
    asked: list[str] = []

    async def forward(request: web.Request) -> web.Response:
        asked.append(request.url.path)
        data = await request.read()
        headers = {
            name: value for name, value in request.headers.items() if name not in ("Host", "Content-Length")
        }
        async with (
            aiohttp.ClientSession() as direct,
            direct.request(request.method, request.url, data=data, headers=headers) as answer,
        ):
            kind = {"Content-Type": answer.headers.get("Content-Type", "text/plain")}
            return web.Response(status=answer.status, body=await answer.read(), headers=kind)

    application = web.Application(client_max_size=2**26)
    application.router.add_route("*", "/{tail:.*}", forward)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def test_calls_downloads_and_uploads_go_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.observability.metrics import Metrics
    from bot.server import make_session

    async with SlackStandIn() as slack, forward_proxy() as (proxy, asked):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        async with make_session(Metrics(), slack.api_url) as http:
            client = SlackClient(slack.bot_token, slack.api_url, http)
            await client.auth_test()
            place = await client.files_getUploadURLExternal(filename="a.txt", length=1)
            async with http.post(str(place["upload_url"]), data=b"x") as answer:
                assert answer.status == 200
            direct = len(asked)
            assert asked[0] == "/api/auth.test"
            assert any(path.startswith("/upload/") for path in asked)

            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            client = SlackClient(slack.bot_token, slack.api_url, http)
            await client.auth_test()
            assert len(asked) == direct


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://slack.com/api/", "http://proxy:3128"),
        ("wss://wss-primary.slack.com/link", "http://proxy:3128"),
        ("http://10.0.0.5/api/", None),
        ("https://slack.corp.example/api/", None),
        ("https://127.0.0.1:8443/api/", None),
    ],
)
def test_no_proxy_is_kept(monkeypatch: pytest.MonkeyPatch, url: str, expected: str | None) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,.corp.example")
    assert proxy_for(url) == expected
