"""The whole of Handoff as a person meets it: write a mention on the page, watch the work, see the picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from playground.demo_model import DemoModel
from playground.slack import SlackStandIn
from tests.browser.people import write
from tests.support.stack import stack


@pytest.mark.timeout(180)
async def test_a_mention_becomes_rows_an_answer_and_a_picture(
    page: Page, slack: SlackStandIn, tmp_path: Path
) -> None:
    async with DemoModel(latency=0.3) as demo, stack(slack, demo.base_url, tmp_path):
        await write(page, "@Handoff two independent parts:\n1. first 10 primes\n2. draw a sine wave")
        await page.get_by_role("button", name="1 reply").click(timeout=30_000)

        pane = page.locator(".thread")
        await expect(pane.get_by_text("0 of 2 done")).to_be_visible(timeout=30_000)
        await expect(pane.get_by_role("button", name="Stop")).to_be_visible()
        await expect(pane.get_by_text("2 3 5 7 11 13 17 19 23 29").last).to_be_visible(timeout=60_000)
        picture = pane.get_by_role("img", name="sine.png")
        await expect(picture).to_be_visible(timeout=30_000)
        assert await picture.evaluate("image => image.naturalWidth") > 100
        await expect(pane.get_by_role("button", name="Stop")).not_to_be_visible()
