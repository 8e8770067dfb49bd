"""`handoff play` as a process: killed with SIGKILL while a page is open, and with its clock set forward."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.people import write
from tests.support.browser import KeptPage
from tests.support.command import Command, start_command

REQUEST = """@Handoff three independent parts:
1. compute the first 10 primes
2. wait 8 seconds
3. wait 9 seconds"""


@asynccontextmanager
async def _play(folder: Path, port: int) -> AsyncIterator[Command]:
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "DOCKER_HOST") if key in os.environ}
    settings = {"HANDOFF_DATA_DIR": str(folder), "HANDOFF_PORT": str(port), "HANDOFF_SANDBOX_POOL": "0"}
    play = await start_command("play", environment={**inherited, **settings})
    try:
        while b"stops it." not in (line := await play.stderr.readline()):
            assert line, "the playground ended"
        yield play
    finally:
        play.kill()
        await play.communicate()


@pytest.mark.soak
@pytest.mark.timeout(240)
async def test_a_task_goes_on_after_a_kill_of_the_bot_and_of_the_playground(
    kept_page: KeptPage, port: int, tmp_path: Path
) -> None:
    async with _play(tmp_path, port):
        tab = kept_page.visit(f"http://127.0.0.1:{port}")
        page = await tab.__aenter__()
        await page.locator(".example", has_text="Kill the bot now").click()
        await expect(page.get_by_text("Send this task.")).to_be_visible()
        await write(page, REQUEST)
        await page.get_by_role("button", name="1 reply").click()
        pane = page.locator(".thread")
        await expect(pane.get_by_text("1 of 3 done")).to_be_visible()

        await page.get_by_role("group", name="Try next").get_by_text("Kill the bot now").click()
        await expect(page.get_by_text("The bot's process is starting…")).to_be_visible()
        await expect(page.get_by_text("The bot's process is starting…")).to_have_count(0)
        await expect(pane.get_by_text("1 of 3 done")).to_be_visible()
    await expect(page.get_by_text("Connection lost. Reconnecting…")).to_be_visible()
    async with _play(tmp_path, port):
        await expect(page.get_by_text("Connection lost. Reconnecting…")).to_have_count(0)
        await expect(pane.get_by_text("Compute the first 10 primes").first).to_be_visible()
        await expect(pane.get_by_text("done waiting").last).to_be_visible(timeout=60_000)
        await expect(pane.get_by_text("Done ·")).to_have_count(1)
        await expect(pane.get_by_role("button", name="Good answer")).to_have_count(1)
        await tab.__aexit__(None, None, None)


@pytest.mark.timeout(120)
async def test_a_standing_order_is_started_and_runs_when_the_clock_is_set_forward(
    kept_page: KeptPage, port: int, tmp_path: Path
) -> None:
    async with _play(tmp_path, port), kept_page.visit(f"http://127.0.0.1:{port}") as page:
        await write(page, "@Handoff every day at 8 count the Fridays in 2026")
        await page.get_by_role("button", name="replies").click()
        pane = page.locator(".thread")
        await expect(pane.get_by_text("At 08:00 every day")).to_be_visible()
        await pane.get_by_role("button", name="Start").click()
        await expect(pane.get_by_text("Started by Ada Okafor.")).to_be_visible()
        await write(page, "/clock +1d")
        await expect(page.get_by_text("the bot's clock is 1 day, 0:00:00 ahead")).to_be_visible()
        run = page.locator(".main article", has_text="standing order of")
        await run.get_by_role("button", name="repl").click()
        await expect(pane.get_by_text("This is the scripted demo model")).to_be_visible()
