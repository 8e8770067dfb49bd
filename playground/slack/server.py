"""The stand-in as one server: creates its parts, listens, and is the API for tests and `handoff play`.

Slack's rules are in the parts: people's actions in `people` and `interactions`, the bot's in `methods`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp
from aiohttp import web

from playground.slack.background import Background
from playground.slack.changes import Call, SocketsChanged
from playground.slack.credentials import SCOPES, Credentials
from playground.slack.deliveries import RETRY_DELAYS, Deliveries, PayloadKind
from playground.slack.directory import Directory
from playground.slack.events import SUBSCRIPTIONS, Events
from playground.slack.faults import Fault
from playground.slack.http_events import HttpEvents
from playground.slack.installs import Installs
from playground.slack.interaction_shapes import InteractionShapes
from playground.slack.interactions import Interactions
from playground.slack.local_bot import LocalBot
from playground.slack.memberships import Memberships
from playground.slack.page import Page
from playground.slack.page_actions import PageActions
from playground.slack.page_json import Model
from playground.slack.people import People
from playground.slack.rates import Rates
from playground.slack.responses import Responses
from playground.slack.saved_state import saving
from playground.slack.shapes import Shapes
from playground.slack.slack_commands import SlackCommands
from playground.slack.socket_mode import DisconnectReason, SocketModeServer
from playground.slack.state import WorkspaceState
from playground.slack.streams import Streams
from playground.slack.triggers import Triggers
from playground.slack.uploads import MAX_SIZE, Uploads
from playground.slack.web_api import WebApi
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Json, World, playground_world

T = TypeVar("T")


class SlackStandIn:
    """A Slack of one team on one local port, an async context manager.

    `host`, `port`: where it listens; port 0 takes a free one. `events_url`: the bot's URL for signed HTTP
    events; without it, events go through Socket Mode. `rate_limits`: answer 429 above Slack's rates.
    `stream_lifetime`, `ack_deadline` and `retry_delays` are in seconds and default to Slack's own values.
    `scopes` and `subscriptions` are the app's. `model` is the model that the page shows. `saved_in` is a file
    that keeps the state for the next process. `local_bot` is the bot that the page may kill.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        events_url: str | None = None,
        rate_limits: bool = True,
        stream_lifetime: float = 300,
        ack_deadline: float = 3,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        scopes: Collection[str] = SCOPES,
        subscriptions: Collection[str] = SUBSCRIPTIONS,
        model: Model | None = None,
        world: World | None = None,
        saved_in: Path | None = None,
        local_bot: LocalBot | None = None,
    ) -> None:
        self._host, self._port, self._events_url = host, port, events_url
        self._exits = AsyncExitStack()
        self.state = WorkspaceState(world or playground_world())
        self._saved_in = saved_in
        self.credentials = Credentials(scopes)
        self._background = Background()
        self._shapes = Shapes(self.state)
        self._sockets = SocketModeServer(
            self.state.world.app_id, lambda connections: self.state.publish(SocketsChanged(connections))
        )
        self._deliveries = Deliveries(self._sockets, self._background, ack_deadline, retry_delays)
        self._events = Events(self.state, self._shapes, self._deliveries, subscriptions, self.credentials)
        self._uploads = Uploads(self.state, self._shapes, self.credentials.may_read_files)
        self._responses = Responses(self.state, self._shapes)
        triggers = Triggers()
        self.people = People(self.state, self._events)
        self.memberships = Memberships(self.state, self._events)
        self.interactions = Interactions(
            self.state,
            self._shapes,
            InteractionShapes(self.state, self._shapes, self.credentials.verification_token),
            self.people,
            self._events,
            self._deliveries,
            self._responses,
            triggers,
        )
        self.installs = Installs(self.state, self.credentials, self._events)
        self._streams = streams = Streams(self.state, self._events, self._background, stream_lifetime)
        self._web_api = WebApi(
            SlackWorkspace(
                self.state, self._shapes, Directory(self.state), self.credentials, self._events, streams,
                self._uploads, self.installs, triggers, self._sockets, Rates(enabled=rate_limits),
                self._background,
            )
        )  # fmt: skip
        commands = SlackCommands(self.state, self.people, self.memberships, local_bot)
        actions = PageActions(self.people, self.interactions, commands, local_bot)
        self._page = Page(self.state, self.people, actions, self._sockets, model, host)

    @property
    def url(self) -> str:
        """The page's URL without a trailing slash. Known once the stand-in runs."""
        return self._shapes.base_url

    @property
    def api_url(self) -> str:
        """The Web API's base URL, with the trailing slash that Slack's client needs."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        return self.credentials.bot_token

    @property
    def app_token(self) -> str:
        return self.credentials.app_token

    @property
    def signing_secret(self) -> str:
        return self.credentials.signing_secret

    @property
    def bot_user_id(self) -> str:
        return self.state.world.bot.id

    @property
    def team_id(self) -> str:
        return self.state.world.team.id

    @property
    def calls(self) -> Sequence[Call]:
        """Every Web API call so far, the newest last."""
        return self._web_api.calls

    @property
    def connections(self) -> int:
        """The number of the bot's Socket Mode connections."""
        return self._sockets.connections

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as exits:
            if self._saved_in is not None:
                exits.enter_context(saving(self.state, self._saved_in))
            self._http = await exits.enter_async_context(aiohttp.ClientSession())
            if self._events_url is not None:
                self._deliveries.transport = self._http_events(self._events_url)
            runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1)
            exits.push_async_callback(runner.cleanup)
            exits.push_async_callback(self._page.close)
            exits.push_async_callback(self._sockets.close)
            # Closed in reverse order: a delivery needs an open session.
            await self._background.open()
            exits.push_async_callback(self._background.close)
            self._streams.resume()
            await runner.setup()
            await web.TCPSite(runner, self._host, self._port).start()
            self._shapes.listens_on(*runner.addresses[0][:2])
            self._exits = exits.pop_all()
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self._exits.aclose()

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_SIZE)
        app.add_routes(
            [
                web.route("*", "/api/{method}", self._web_api.handle),
                web.get("/link/", self._sockets.handle),
                web.post("/upload/v1/{key}", self._uploads.take_bytes),
                web.get("/files-pri/{file}/{tail:.*}", self._uploads.give_bytes),
                web.post("/response/{key}", self._responses.handle),
                web.get("/oauth/v2/authorize", self.installs.authorize),
                *self._page.routes(),
            ]
        )
        return app

    def _http_events(self, url: str) -> HttpEvents:
        return HttpEvents(self._http, url, self.signing_secret)

    async def send_events_to(self, events_url: str) -> None:
        """Sets the bot's URL for HTTP events, after the challenge. Raises UrlNotVerified."""
        transport = self._http_events(events_url)
        await transport.verify(self.credentials.verification_token)
        self._deliveries.transport = transport

    async def wait_for(self, predicate: Callable[[WorkspaceState], T], timeout: float = 30) -> T:
        """See `WorkspaceState.wait_for`. Calls and connections are changes too."""
        return await self.state.wait_for(predicate, timeout)

    async def post(
        self, user: str, channel: str, text: str, thread_ts: str | None = None, files: Sequence[str] = (),
        attachments: Sequence[Json] = (),
    ) -> str:  # fmt: skip
        """Posts a message as a person types it, with `@Handoff` or `<@U…>`, and returns its `ts`."""
        return self.people.post(
            user, channel, text, thread_ts=thread_ts, files=files, attachments=attachments
        )

    async def upload(self, user: str, name: str, data: bytes) -> str:
        """Stores a person's file and returns its id, for `post`."""
        return self.people.upload(user, name, data)

    async def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        self.people.edit(user, channel, ts, text)

    async def delete(self, user: str, channel: str, ts: str) -> None:
        self.people.delete(user, channel, ts)

    async def react(self, user: str, channel: str, ts: str, name: str) -> None:
        self.people.react(user, channel, ts, name)

    async def unreact(self, user: str, channel: str, ts: str, name: str) -> None:
        self.people.unreact(user, channel, ts, name)

    async def click(
        self, user: str, channel: str, ts: str, action_id: str, value: str | None = None, *,
        block_id: str | None = None, selected: Any = None,
    ) -> None:  # fmt: skip
        """Clicks a button or chooses from a menu. Raises ActionRefused, and NotAnswered without an ack."""
        await self.interactions.click(
            user, channel, ts, action_id=action_id, block_id=block_id, value=value, selected=selected
        )

    async def stop_session(self, user: str, channel: str, thread_ts: str) -> None:
        """Clicks Slack's own Stop. Raises ActionRefused if nothing runs in the thread."""
        self.interactions.stop_session(user, channel, thread_ts)

    async def slash(self, user: str, channel: str, command: str, text: str = "") -> None:
        """Types a slash command. The person sees an answer in the acknowledgement."""
        await self.interactions.slash(user, channel, command, text)

    async def shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> None:
        """Chooses a message shortcut."""
        await self.interactions.shortcut(user, channel, ts, callback_id)

    async def submit(self, user: str, view_id: str, values: dict[str, Any]) -> None:
        """Submits a modal."""
        await self.interactions.submit(user, view_id, values)

    async def open_home(self, user: str, tab: str = "home") -> None:
        """Opens the app's Home, or its messages with `tab="messages"`."""
        self.interactions.open_home(user, tab=tab)

    async def deliver(self, kind: PayloadKind, payload: Any) -> Any:
        """Sends the bot any payload and returns its answer. Raises NotAnswered without an ack."""
        return await self._deliveries.deliver_once(kind, payload)

    async def acknowledged(self) -> None:
        """Returns when the bot has acknowledged every event so far, or it was given up."""
        await self._deliveries.acknowledged()

    def fail(
        self, method: str, error: str | None = None, *, status: int = 200, retry_after: int | None = None,
        times: int = 1,
    ) -> None:  # fmt: skip
        """The next calls of a method fail, with Slack's `error` or with HTML and an HTTP status."""
        self._web_api.faults.add(method, Fault(error, status, retry_after), times)

    def lose_reply(self, method: str, times: int = 1) -> None:
        """The next calls of a method are carried out, but the connection breaks before the reply."""
        self._web_api.faults.add(method, Fault(lost=True), times)

    def delay(self, method: str, seconds: float, times: int = 1, *, after_work: bool = False) -> None:
        """Delays the next calls of a method: before the work, or only the reply."""
        fault = Fault(delay_reply=seconds) if after_work else Fault(delay=seconds)
        self._web_api.faults.add(method, fault, times)

    def refuse_blocks(self, *types: str) -> None:
        """Blocks of these types are refused, as in a workspace that does not have them."""
        self._web_api.unsupported_blocks = frozenset(types)

    def clear_faults(self) -> None:
        self._web_api.faults.clear()

    def drop_sockets(self, *, half: bool = False) -> None:
        """Drops every Socket Mode connection without a close frame. With `half`, they still look open."""
        (self._sockets.freeze if half else self._sockets.drop)()

    async def disconnect(self, reason: DisconnectReason = "refresh_requested") -> None:
        """Asks the bot to renew every connection."""
        await self._sockets.disconnect(reason)
