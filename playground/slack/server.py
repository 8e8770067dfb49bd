"""The stand-in as one server: puts the parts together, listens, and is what tests and `handoff play` hold.

Keeps no rule of Slack's itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Any, Self, TypeVar

from aiohttp import web

from playground.slack.acts import Acts
from playground.slack.background import Background
from playground.slack.changes import SocketsChanged
from playground.slack.deliveries import RETRY_DELAYS, Deliveries
from playground.slack.events import SUBSCRIPTIONS, Events
from playground.slack.interaction_shapes import InteractionShapes
from playground.slack.interactions import Interactions
from playground.slack.page import Page
from playground.slack.page_json import Model
from playground.slack.people import People
from playground.slack.responses import Responses
from playground.slack.shapes import Shapes
from playground.slack.socket_mode import SocketMode
from playground.slack.state import State
from playground.slack.triggers import Triggers
from playground.slack.world import playground_world

T = TypeVar("T")


class SlackStandIn:
    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        model: Model | None = None,
        ack_deadline: float = 3,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        subscriptions: Collection[str] = SUBSCRIPTIONS,
    ) -> None:
        self._host, self._port = host, port
        self.state = State(playground_world())
        self._background = Background()
        self._shapes = Shapes(self.state)
        token = secrets.token_urlsafe(12)
        self._sockets = SocketMode(self.state.world.app_id, lambda n: self.state.tell(SocketsChanged(n)))
        self._deliveries = Deliveries(self._sockets, self._background, ack_deadline, retry_delays)
        self._events = Events(self.state, self._shapes, self._deliveries, subscriptions, token)
        self._people = People(self.state, self._events)
        self._responses = Responses(self.state, self._shapes)
        self._triggers = Triggers()
        self._interactions = Interactions(
            self.state,
            self._shapes,
            InteractionShapes(self.state, self._shapes, token),
            self._people,
            self._events,
            self._deliveries,
            self._responses,
            self._triggers,
        )
        self._page = Page(
            self.state, self._people, Acts(self._people, self._interactions), self._sockets, model, host
        )
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return self._shapes.base_url

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 30)
        app.add_routes(self._page.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._shapes.base_url = f"http://{host}:{port}"
        await self._background.open()
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self._page.close()
        assert self._runner is not None
        await self._runner.cleanup()
        await self._background.close()

    async def wait_for(self, predicate: Callable[[State], T], timeout: float = 10) -> T:
        return await self.state.wait_for(predicate, timeout)
