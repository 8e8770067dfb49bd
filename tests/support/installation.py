"""A bot for several workspaces, and a person who installs it."""

from __future__ import annotations

import html
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp

from bot.server import BotServer
from bot.settings import Settings
from playground.slack import SlackStandIn
from tests.support.patient_model import Patient
from tests.support.stack import Stack
from tests.support.timing import BOT_TIMING

COOKIE = "slack-app-oauth-state"


@dataclass
class Visit:
    """The result of an installation: the status and text of the last page."""

    status: int
    text: str
    state: str = ""


class Office:
    """A bot for two workspaces, each as a stack of its own, and the model behind it."""

    def __init__(self, slack: SlackStandIn, other: SlackStandIn, settings: Settings) -> None:
        self._workspaces = (slack, other)
        self._settings = settings
        self._running = AsyncExitStack()
        self.patient = Patient()
        self.timing = BOT_TIMING
        self.server: BotServer
        self.first: Stack
        self.second: Stack

    async def start(self) -> None:
        """Starts the bot, or restarts it on the same data."""
        await self.stop()
        self.server = await self._running.enter_async_context(BotServer(self._settings, self.timing))
        for workspace in self._workspaces:
            if self._settings.slack_app_token is None:
                await workspace.send_events_to(f"{self.url}/slack/events")
            workspace.installs.redirect_url = f"{self.url}/slack/oauth_redirect"
        self.first, self.second = (Stack(slack, self.server, self._settings) for slack in self._workspaces)

    async def stop(self) -> None:
        await self._running.aclose()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.web.port}"

    async def missing(self) -> list[str]:
        """What the bot says of itself that is not right."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/readyz") as answer:
            return list((await answer.json())["missing"])

    async def install(self, bot: Stack, *, cookie: str | None = None) -> Visit:
        """A person opens the install page, clicks its button, and is redirected back."""
        async with aiohttp.ClientSession() as browser:
            page = f"{self.url}/slack/install?team={bot.slack.team_id}"
            async with browser.get(page) as answer:
                state = answer.cookies[COOKIE].value
                found = re.search(r'href="([^"]+oauth/v2/authorize[^"]+)"', await answer.text())
                assert found
            async with browser.get(html.unescape(found[1]), allow_redirects=False) as asked:
                back = asked.headers["Location"]
            headers = {"Cookie": f"{COOKIE}={state if cookie is None else cookie}"}
            async with browser.get(back, headers=headers) as answer:
                return Visit(answer.status, await answer.text(), state)
