"""The bot's HTTP server: it shuts down although a client still waits for an answer."""

from __future__ import annotations

import asyncio

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.web import WebServer
from bot.wire.app import BoltApp


async def test_it_ends_although_an_answer_takes_long() -> None:
    """aiohttp's own patience is sixty seconds."""
    asked = asyncio.Event()

    async def never() -> list[str]:
        asked.set()
        await asyncio.Event().wait()
        return []

    async def figures() -> bytes:
        return b""

    web = WebServer(BoltApp("", client=AsyncWebClient("xoxb-1")), never, figures, takes_events=False)
    await web.start("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        waiting = asyncio.create_task(session.get(f"http://127.0.0.1:{web.port}/readyz"))
        await asked.wait()
        async with asyncio.timeout(40):
            await web.stop()
        await asyncio.wait([waiting])
        assert isinstance(waiting.exception(), aiohttp.ClientError)
