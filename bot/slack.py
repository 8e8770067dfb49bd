"""Slack's side of the bot, put together: the app, what it listens to, and how it is connected.

Never does work of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import aiohttp

from bot.access import Access
from bot.app import connect, new_app
from bot.catch_up import CatchUp
from bot.client import TIMEOUT, SlackClient
from bot.clients import Clients
from bot.controls import Controls
from bot.home import Home
from bot.intake import Intake
from bot.links import Links
from bot.listeners import Listeners
from bot.people import People
from bot.preferences import Preferences
from bot.settings import Settings
from bot.slash import Slash
from bot.sockets import Sockets
from bot.stops import Stops
from tasks.amendments import Amendments
from tasks.database import Database
from tasks.engine import Engine
from tasks.kept import Kept
from tasks.usage import Usage


class Slack:
    """An async context manager: inside it, Slack's events come in."""

    def __init__(self, settings: Settings, database: Database, engine: Engine, clients: Clients) -> None:
        token = settings.slack_app_token
        secret = settings.slack_signing_secret
        self.app = new_app(
            "" if token or not secret else secret.get_secret_value(), client=_bolt_client(settings)
        )
        people, usage, kept = People(clients), Usage(database), Kept(database)
        access = Access(settings=settings, people=people, usage=usage)
        stops = Stops(engine=engine, people=people, access=access)
        preferences, links = Preferences(kept), Links(clients)
        intake = Intake(
            engine=engine, people=people, access=access, preferences=preferences, stops=stops,
            amendments=Amendments(database), usage=usage,
        )  # fmt: skip
        listeners = Listeners(clients=clients, engine=engine, usage=usage)
        controls = Controls(engine=engine, people=people, clients=clients, stops=stops, access=access)
        slash = Slash(
            engine=engine, usage=usage, people=people, clients=clients, access=access, stops=stops,
            preferences=preferences, links=links,
        )  # fmt: skip
        home = Home(engine=engine, usage=usage, clients=clients, links=links, stops=stops, settings=settings)
        connect(self.app, intake, [listeners, controls, slash, home])
        self._sockets = Sockets(self.app, token.get_secret_value()) if token else None
        self._catch_up = CatchUp(clients, intake, listeners, usage, kept)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._sockets is not None:
            self._stack.push_async_callback(self._sockets.stop)
            await self._sockets.start()
            await self._stack.enter_async_context(self._catch_up.watching(self._sockets))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def ages(self) -> Mapping[int, float]:
        """Seconds that each open connection is up, by its number; empty where Slack comes by HTTP."""
        return self._sockets.ages() if self._sockets is not None else {}

    async def problems(self) -> list[str]:
        """What is not right between Slack and us, in words."""
        if self._sockets is not None and not await self._sockets.connected():
            return ["no connection to Slack"]
        return []


def clients_from(settings: Settings, http: aiohttp.ClientSession) -> Clients:
    """The clients of a workspace of our own: one token for all."""
    token = settings.slack_bot_token

    async def token_of(team: str) -> str | None:
        return token.get_secret_value() if token else None

    return Clients(settings.slack_api_url, http, token_of)


def _bolt_client(settings: Settings) -> SlackClient:
    """For Bolt's own calls; what we say goes through `Clients`."""
    token = settings.slack_bot_token
    client = SlackClient(token.get_secret_value() if token else "", settings.slack_api_url)
    client.timeout = int(TIMEOUT)
    return client
