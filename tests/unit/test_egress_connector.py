"""Guarded connections, against servers on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from sandbox.egress.allow_list import AllowList
from sandbox.egress.connector import guarded_session, open_guarded
from sandbox.errors import EgressRefused
from tests.support.http_server import http_server


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """A server that answers `/`, and redirects `/to?URL` there."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/to":
            raise web.HTTPFound(request.query_string)
        return web.Response(text="hello")

    async with http_server(answer) as found:
        yield found


async def test_an_address_that_an_entry_names_is_reached(port: int) -> None:
    async with guarded_session(AllowList.parse(f"127.0.0.1:{port}")) as session:
        response = await session.get(f"http://127.0.0.1:{port}/")
        assert await response.text() == "hello"


async def test_a_name_with_a_private_address_needs_the_address_as_an_entry(port: int) -> None:
    async with guarded_session(AllowList.parse(f"localhost:{port}")) as session:
        with pytest.raises(EgressRefused, match="not of the public internet"):
            await session.get(f"http://localhost:{port}/")
    both = AllowList.parse(f"localhost:{port} 127.0.0.1:{port} [::1]:{port}")
    async with guarded_session(both) as session:
        assert (await session.get(f"http://localhost:{port}/")).status == 200


async def test_a_redirect_is_checked_like_a_request(port: int) -> None:
    async with guarded_session(AllowList.parse(f"127.0.0.1:{port}")) as session:
        for there in (
            f"http://localhost:{port}/",
            "http://169.254.169.254/",
            "http://[::1]/",
            "http://10.0.0.1/",
        ):
            with pytest.raises(EgressRefused, match="may not be reached"):
                await session.get(f"http://127.0.0.1:{port}/to?{there}")


@pytest.mark.parametrize("host", ["2130706433", "0x7f.0.0.1", "127.1", "[::ffff:7f00:1]"])
async def test_other_forms_of_a_loopback_address_are_refused(host: str, port: int) -> None:
    async with guarded_session(AllowList.parse(f"*.example.com:{port}")) as session:
        with pytest.raises(EgressRefused):
            await session.get(f"http://{host}:{port}/")


async def test_a_refusal_says_how_to_allow_the_host() -> None:
    with pytest.raises(EgressRefused, match=r"HANDOFF_SANDBOX_EGRESS=api\.example\.com, or"):
        await open_guarded(AllowList(), "api.example.com", 443)
    with pytest.raises(EgressRefused, match=r"HANDOFF_SANDBOX_EGRESS=api\.example\.com:22, or"):
        await open_guarded(AllowList.parse("api.example.com"), "api.example.com", 22)


async def test_a_name_that_is_bound_again_leads_to_no_private_address(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer of DNS is public, and each later one is this machine."""
    answers = iter(["203.0.113.1"])
    asked: list[str] = []

    async def rebinding(host: str, at: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = next(answers, "127.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, at))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebinding)
    allow = AllowList.parse(f"rebind.example:{port}")
    next(answers)
    async with guarded_session(allow) as session:
        with pytest.raises(EgressRefused, match=r"127\.0\.0\.1 is not of the public internet"):
            await session.get(f"http://rebind.example:{port}/")
    with pytest.raises(EgressRefused, match=r"127\.0\.0\.1 is not of the public internet"):
        await open_guarded(allow, "rebind.example", port)
    assert asked == ["rebind.example", "rebind.example"]


async def test_a_plain_connection_is_made_to_the_checked_address(port: int) -> None:
    reader, writer = await open_guarded(AllowList.parse(f"127.0.0.1:{port}"), "127.0.0.1", port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    assert (await reader.read()).endswith(b"hello")
    writer.close()
    await writer.wait_closed()
