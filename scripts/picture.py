"""Takes the README's screenshot from a real run: playground, bot, demo model, containers, Chromium.

python -m scripts.picture
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from playground.demo_model import MODEL, DemoModel
from playground.slack import SlackStandIn
from playground.slack.page_json import Model
from tests.support.browser import open_chromium, open_page
from tests.support.stack import stack

PICTURE = Path("docs/pictures/thread.png")
REQUEST = """@Handoff three independent parts:
1. compute the first 10 primes
2. draw a random walk
3. simulate pi with 200000 points"""


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with (
            SlackStandIn(model=Model(MODEL, scripted=True)) as slack,
            DemoModel(latency=0) as demo,
            open_chromium() as chromium,
            stack(slack, demo.base_url, Path(folder), model=MODEL) as bot,
            open_page(chromium, slack.url, viewport={"width": 1280, "height": 1250}) as page,
        ):
            ts = await bot.ask(REQUEST)
            await bot.task(ts)
            await page.get_by_role("button", name="replies").click()
            await page.get_by_role("img", name="random_walk.png").wait_for()
            await page.wait_for_timeout(500)  # for the fade-in
            await page.screenshot(path=PICTURE)
    print(f"Written: {PICTURE}")


if __name__ == "__main__":
    asyncio.run(main())
