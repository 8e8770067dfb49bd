"""Takes the screenshots of the documents from real runs: playground, bot, model, containers, Chromium.

python -m scripts.picture [FOLDER]

Without a folder, those that the documents show go into docs/pictures. With one, each task is photographed
there wide, narrow (390 px) and dark.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser

from playground.demo_model import MODEL, DemoModel
from playground.slack import SlackStandIn
from playground.slack.page_json import Model
from playground.slack.world import Json
from tasks.task import State
from tests.e2e.test_approvals import Office, script
from tests.support.browser import open_chromium, open_page
from tests.support.scripted_model import ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, Stack, stack

PICTURES = Path("docs/pictures")
SHORTCUT = "handoff_message"
THREE = """@Handoff three independent parts:
1. compute the first 10 primes
2. draw a random walk
3. simulate pi with 200000 points"""
TEN_FILES = """@Handoff Run this:
```python
for number in range(10):
    open(f"part{number}.txt", "w").write(str(number))
print("Ten files are written.")
```"""
ALERT: Json = {
    "color": "d92d20",
    "title": "FIRING: payments-api error rate 12 %",
    "text": "Since deploy abc123. Run `print(12 / 100)` to check the rate.",
    "fields": [{"title": "Service", "value": "payments-api", "short": True}],
}
MAIL: Json = {
    "is_share": True,
    "author_name": "Bo Li",
    "channel_name": "finance",
    "text": "Please compute the sum of the numbers from 1 to 100 for the budget.",
}


@dataclass(frozen=True, slots=True)
class Look:
    """A window to photograph in."""

    name: str
    width: int
    height: int
    scheme: str = "light"


WIDE, NARROW, DARK = Look("wide", 1180, 820), Look("narrow", 390, 844), Look("dark", 1180, 820, "dark")
#: What the documents show: a scene and a look.
SHOWN = {
    "thread": ("three-workers", Look("", 1280, 1250)),
    "alert": ("alert", WIDE),
    "summary": ("summary", WIDE),
}


async def _asked(bot: Stack, text: str, *states: State) -> str:
    ts = await bot.ask(text)
    await bot.task(ts, *states)
    return ts


async def _alert(bot: Stack) -> str:
    ts = bot.slack.people.post_as_app("Grafana", GENERAL, attachments=[ALERT])
    await bot.slack.shortcut(ADA, GENERAL, ts, SHORTCUT)
    await bot.task(ts)
    return ts


async def _mail(bot: Stack) -> str:
    ts = await bot.slack.post(ADA, GENERAL, "@Handoff please do this", attachments=[MAIL])
    await bot.task(ts)
    return ts


async def _screenshot(bot: Stack) -> str:
    file = await bot.slack.upload(ADA, "screenshot.png", (PICTURES / "icon.png").read_bytes())
    ts = await bot.ask("@Handoff What does this screenshot show?", files=[file])
    await bot.task(ts)
    return ts


async def _summary(bot: Stack) -> str:
    for user, text in ((ADA, "Who can look at the invoice of May?"), (MEI, "I can, tomorrow morning.")):
        await bot.slack.post(user, "C0DATA001", text)
    return await _asked(bot, "@Handoff Summarise #data since Monday, with who asked what")


SCENES: dict[str, Callable[[Stack], Awaitable[str]]] = {
    "one-step": lambda bot: _asked(bot, "@Handoff Execute hello world in Python"),
    "three-workers": lambda bot: _asked(bot, THREE),
    "ten-files": lambda bot: _asked(bot, TEN_FILES),
    "failure": lambda bot: _asked(bot, "@Handoff Run `print(1 / 0)`"),
    "alert": _alert,
    "mail": _mail,
    "screenshot": _screenshot,
    "summary": _summary,
}


async def photograph(chromium: Browser, url: str, ts: str, look: Look, path: Path) -> None:
    """A picture of a thread."""
    size = {"width": look.width, "height": look.height}
    async with open_page(
        chromium, f"{url}/#/{GENERAL}/{ts}", viewport=size, color_scheme=look.scheme
    ) as page:
        await page.locator(".thread article").nth(1).wait_for()
        await page.wait_for_timeout(800)  # for pictures
        await page.screenshot(path=path)


async def main(folder: Path | None) -> None:
    looks = {
        scene: [(look, folder / f"{scene}-{look.name}.png") for look in (WIDE, NARROW, DARK)]
        if folder
        else [(look, PICTURES / f"{name}.png") for name, (one, look) in SHOWN.items() if one == scene]
        for scene in (*SCENES, "approval", "killed")
    }
    async with open_chromium() as chromium:
        for scene, wanted in looks.items():
            if not wanted:
                continue
            print(scene, flush=True)
            with tempfile.TemporaryDirectory() as data:
                await _take(scene, wanted, chromium, Path(data))


async def _take(scene: str, wanted: list[tuple[Look, Path]], chromium: Browser, data: Path) -> None:
    """Run a scene in a workspace of its own and photograph its thread."""
    async with SlackStandIn(model=Model(MODEL, scripted=True)) as slack, DemoModel(latency=0.2) as demo:
        if scene == "approval":
            async with ScriptedModel(script()) as model, Office(slack, model, data).bot() as bot:
                ts = await _asked(bot, "@Handoff write hello into the journal", State.WAITING)
                for look, path in wanted:
                    await photograph(chromium, slack.url, ts, look, path)
            return
        if scene == "killed":
            async with stack(slack, demo.base_url, data, model=MODEL) as bot:
                ts = await bot.ask("@Handoff two parts:\n1. compute the first 10 primes\n2. wait 6 seconds")
                await slack.wait_for(lambda _: any("1 of 2" in plan.title for plan in bot.plans(ts)))
            async with stack(slack, demo.base_url, data, model=MODEL) as bot:
                await bot.task(ts)
                for look, path in wanted:
                    await photograph(chromium, slack.url, ts, look, path)
            return
        async with stack(slack, demo.base_url, data, model=MODEL) as bot:
            ts = await SCENES[scene](bot)
            for look, path in wanted:
                await photograph(chromium, slack.url, ts, look, path)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
