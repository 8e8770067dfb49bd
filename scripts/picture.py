"""Takes the screenshots of the documents from real runs: playground, bot, model, containers, Chromium.

python -m scripts.picture [--only SCENE ...] [FOLDER]

Without a folder, those that the documents show go into docs/pictures. With one, each scene is photographed
there wide, narrow (390 px) and dark.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser

from bot.orders import words
from playground.demo_model import MODEL, DemoModel
from playground.slack import SlackStandIn
from playground.slack.page_json import Model
from playground.slack.world import Json
from tasks.orders.store import OrderStore
from tasks.task import State
from tests.e2e.test_approvals import Office, script
from tests.support.browser import open_chromium, open_page
from tests.support.scripted_model import Call, Roles, Say, ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, Stack, stack

PICTURES = Path("docs/pictures")
ADA_DM = "D0ADA0001"
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
ORDER = "@Handoff Every weekday at 8, say how many days are left in the year"
SALES = b"region,amount\nNorth,54.0\nSouth,60.0\nEast,40.0\nEast,32.0\nWest,63.0\n"
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
    "sources": ("sources", WIDE),
    "order": ("order", WIDE),
    "home": ("home", Look("", 1180, 900)),
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


def sales() -> Roles:
    """A task with figures that a run printed, and one that none did."""
    code = """import pandas as pd
sales = pd.read_csv("sales.csv")
print(sales.groupby("region").amount.sum())
print("total", sales.amount.sum())"""
    summary = "North 54.00, South 60.00, East 72.00, West 63.00; total 249.00"
    report = Call("report", {"status": "done", "summary": summary, "evidence": "run 1"})
    brief = {"task_description": "Sum the amounts of sales.csv by region.", "title": "Sums by region"}
    answer = Say(
        "East sold most: **72.00** of **249.00** EUR, which is 29 %.\n\n"
        "| Region | EUR |\n|---|---|\n| East | 72.00 |\n| West | 63.00 |\n| South | 60.00 |\n"
        "| North | 54.00 |\n\nThat is 14 % more than last year."
    )
    return Roles(
        [Call("create_worker", brief), answer, answer], [Call("execute_python_code", {"code": code}), report]
    )


async def _sources(bot: Stack) -> str:
    file = await bot.slack.upload(ADA, "sales.csv", SALES)
    ts = await bot.ask("@Handoff Which region sold most?", files=[file])
    await bot.task(ts)
    return ts


async def _order(bot: Stack) -> str:
    return await _asked(bot, ORDER)


async def _home(bot: Stack) -> str:
    """App Home with an order that has run, and a note."""
    ts = await _asked(bot, ORDER)
    (proposal,) = (message for message in bot.answers(ts) if words.START in str(message.blocks))
    await bot.slack.click(ADA, GENERAL, proposal.ts, words.START)
    await bot.slack.wait_for(lambda _: any("Started by" in str(m.blocks) for m in bot.answers(ts)))
    (order,) = await OrderStore(bot.server.engine.store.database).all()
    await bot.slack.interactions.slash(ADA, GENERAL, "handoff", f"orders run {order.id}")
    run = await bot.slack.wait_for(
        lambda state: [m for m in state.history(GENERAL) if m.user != ADA and m.thread_ts in (None, m.ts)]
    )
    await bot.task(run[0].ts)
    await bot.ask("@Handoff !note add Amounts are in EUR.")
    await bot.handled()
    await bot.slack.open_home(ADA)
    await bot.slack.wait_for(lambda state: "Amounts" in str(state.homes.get(ADA)))
    return ""


SCENES: dict[str, Callable[[Stack], Awaitable[str]]] = {
    "one-step": lambda bot: _asked(bot, "@Handoff Execute hello world in Python"),
    "three-workers": lambda bot: _asked(bot, THREE),
    "ten-files": lambda bot: _asked(bot, TEN_FILES),
    "failure": lambda bot: _asked(bot, "@Handoff Run `print(1 / 0)`"),
    "alert": _alert,
    "mail": _mail,
    "screenshot": _screenshot,
    "summary": _summary,
    "order": _order,
    "home": _home,
}
#: And those that need a model or bots of their own.
SCENE_NAMES = (*SCENES, "approval", "killed", "sources")


async def photograph(
    chromium: Browser, url: str, ts: str, look: Look, path: Path, *, press: str = ""
) -> None:
    """A picture of a thread, once a button of it is pressed; of Ada's App Home without `ts`."""
    size = {"width": look.width, "height": look.height}
    place = f"{GENERAL}/{ts}" if ts else ADA_DM
    async with open_page(chromium, f"{url}/#/{place}", viewport=size, color_scheme=look.scheme) as page:
        if ts:
            await page.locator(".thread article").nth(1).wait_for()
            if press:
                await page.get_by_role("button", name=press, exact=True).click()
                await page.get_by_text("Only visible to you").wait_for()
                await page.mouse.move(0, 0)
        else:
            await page.get_by_role("tab", name="Home").click()
        await page.wait_for_timeout(800)  # for pictures
        await page.screenshot(path=path)


async def main(folder: Path | None, only: Sequence[str]) -> None:
    looks = {
        scene: [(look, folder / f"{scene}-{look.name}.png") for look in (WIDE, NARROW, DARK)]
        if folder
        else [(look, PICTURES / f"{name}.png") for name, (one, look) in SHOWN.items() if one == scene]
        for scene in only or SCENE_NAMES
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
        if scene == "sources":
            async with ScriptedModel(sales()) as model, stack(slack, model.base_url, data) as bot:
                ts = await _sources(bot)
                for look, path in wanted:
                    await photograph(chromium, slack.url, ts, look, path, press="Sources")
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
    parser = argparse.ArgumentParser(prog="python -m scripts.picture")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--only", metavar="SCENE", action="append", default=[], choices=SCENE_NAMES)
    given = parser.parse_args()
    asyncio.run(main(given.folder, given.only))
