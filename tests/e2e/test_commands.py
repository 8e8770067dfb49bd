"""`handoff serve` and `handoff play` as people start them: one command, nothing but environment."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from playground.demo_model import DemoModel
from playground.slack import SlackStandIn
from tests.support.command import Command, start_command
from tests.support.stack import ADA, GENERAL

_READY = 60


@asynccontextmanager
async def command(name: str, **environment: str) -> AsyncIterator[Command]:
    """A `handoff` of its own; killed at the end if it still runs."""
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("HANDOFF_", "OPENAI_"))
    }
    process = await start_command(name, environment={**inherited, **environment})
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line_with(process: Command, words: str) -> str:
    """The first line on stderr that has these words."""
    async with asyncio.timeout(_READY):
        async for line in process.stderr:
            if words in (text := line.decode()):
                return text
    raise AssertionError(f"the command ended without a word of {words!r}")


async def test_serve_answers_over_http_with_nothing_but_environment(
    slack: SlackStandIn, demo: DemoModel, tmp_path: Path, unused_tcp_port: int
) -> None:
    address = f"http://127.0.0.1:{unused_tcp_port}"
    async with command(
        "serve",
        SLACK_BOT_TOKEN=slack.bot_token,
        SLACK_SIGNING_SECRET=slack.signing_secret,
        SLACK_API_URL=slack.api_url,
        OPENAI_BASE_URL=demo.base_url,
        HANDOFF_DATA_DIR=str(tmp_path),
        HANDOFF_PORT=str(unused_tcp_port),
        HANDOFF_SANDBOX_POOL="0",
    ) as serve:
        await line_with(serve, "ready")
        await slack.send_events_to(f"{address}/slack/events")
        ts = await slack.post(ADA, GENERAL, "@Handoff Execute hello world in Python")
        await slack.wait_for(
            lambda state: any("Hello, World!" in m.text for m in state.replies(GENERAL, ts)), 60
        )
        async with aiohttp.ClientSession() as http:
            for path, status in (("/healthz", 200), ("/readyz", 200), ("/nothing", 404)):
                async with http.get(address + path) as response:
                    assert response.status == status, path

        serve.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await serve.wait() == 0


async def test_play_prints_its_address_and_leaves_on_ctrl_c(tmp_path: Path, unused_tcp_port: int) -> None:
    settings = {"HANDOFF_DATA_DIR": str(tmp_path), "HANDOFF_SANDBOX_POOL": "0"}
    async with command("play", HANDOFF_PORT=str(unused_tcp_port), **settings) as play:
        found = re.search(r"http://\S+", await line_with(play, "Open "))
        assert found is not None
        async with aiohttp.ClientSession() as http, http.get(found[0]) as response:
            assert response.status == 200
            assert "Handoff" in await response.text()

        play.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            assert await play.wait() == 0, "Ctrl-C is how it ends, and make must show no error"
        assert "Traceback" not in (await play.stderr.read()).decode()


async def test_serve_without_settings_shows_all_problems_at_once(tmp_path: Path) -> None:
    async with command("serve", HANDOFF_DATA_DIR=str(tmp_path), HANDOFF_PORT="none") as serve:
        _, errors = await serve.communicate()
    error_text = errors.decode()
    assert serve.returncode == 2
    for variable in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "OPENAI_API_KEY", "HANDOFF_PORT"):
        assert variable in error_text
    assert "Traceback" not in error_text
