"""Slack's side of the bot: the Bolt app, its listeners, and the connection to Slack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import aiohttp

from bot.controls.approvals import ApprovalButtons
from bot.controls.buttons import ThreadButtons
from bot.controls.home import AppHome
from bot.controls.home_notes import HomeNotes
from bot.controls.note_buttons import NoteButtons
from bot.controls.orders import OrderControls
from bot.controls.ratings import RatingButtons
from bot.controls.replies import ClickReplies
from bot.controls.shortcut import MessageShortcut
from bot.controls.slash import SlashCommand
from bot.controls.sources import SourcesButton
from bot.install.pages import InstallPages
from bot.install.store import InstallationStore
from bot.install.uninstall import UninstallListeners
from bot.intake.access import AccessPolicy
from bot.intake.addressing import Addressing
from bot.intake.backfill import Backfill
from bot.intake.feedback import Feedback
from bot.intake.intake import Intake
from bot.intake.listeners import MessageListeners
from bot.intake.messages import MessageHandler
from bot.intake.notes import NoteCommands
from bot.intake.pending import PendingEvents
from bot.intake.stopper import TaskStopper
from bot.intake.twins import Twins
from bot.orders.threads import SlackOrderThreads
from bot.orders.tools import OrderTools
from bot.orders.watching import WatchedMessages
from bot.settings import Settings
from bot.settings.channels import ChannelSettings
from bot.timing import STANDARD, BotTiming
from bot.tools.action_tokens import ActionTokens
from bot.wire.app import BoltApp, ListenerGroup, authorize_by, connect
from bot.wire.clients import Clients
from bot.wire.marks import MessageMarks
from bot.wire.permalinks import Permalinks
from bot.wire.proxy import web_client
from bot.wire.reachability import Reachability
from bot.wire.reader import MessageReader
from bot.wire.socket_mode import SocketMode
from tasks.engine import TaskEngine
from tasks.orders.due import DueOrders
from tasks.orders.watches import Watches
from tasks.store.clock import DatabaseClock
from tasks.store.database import Database
from tasks.store.edits import Edits
from tasks.store.key_value import KeyValueStore
from tasks.store.notes import ChannelNotes
from tasks.store.participants import Participants
from tasks.store.preferences import ChannelPreferences
from tasks.store.proposals import NoteProposals
from tasks.store.queries import TaskQueries, UsageTotals
from tasks.store.ratings import Ratings

#: Seconds that a press of *Keep* or *Discard* waits for a database that is away.
_BUTTON = 30.0
_REFUSED = "Slack refuses the bot's token ({}): install the app again and set SLACK_BOT_TOKEN"


class SlackService:
    """An async context manager; inside it, the bot receives Slack's events."""

    def __init__(
        self, settings: Settings, database: Database, engine: TaskEngine, channels: ChannelSettings,
        clients: Clients, reader: MessageReader, marks: MessageMarks,
        orders: OrderTools, installations: InstallationStore | None = None, *,
        signed: Callable[[float], None] = lambda _: None, timing: BotTiming = STANDARD,
    ) -> None:  # fmt: skip
        """`signed` is called with the seconds between a message and its 👀."""
        token = settings.slack_app_token
        secret = settings.slack_signing_secret
        self._installations, self._timing = installations, timing
        self.app = BoltApp(
            "" if token or not secret else secret.get_secret_value(),
            client=web_client(settings.slack_api_url), authorize=authorize_by(clients),
        )  # fmt: skip
        people, kept = reader.people, KeyValueStore(database)
        queries, usage = TaskQueries(database), UsageTotals(database)
        access = AccessPolicy(channels=channels, people=people, usage=usage)
        stopper = TaskStopper(engine=engine, people=people, access=access)
        preferences, links = ChannelPreferences(kept, channels.preference), Permalinks(clients)
        addressing = Addressing(
            engine=engine,
            preferences=preferences,
            queries=queries,
            participants=Participants(kept, timing.tasks),
        )
        feedback, edits = Feedback(clients), Edits(database)
        watches = Watches(orders.store)
        self._due = DueOrders(
            orders.store, SlackOrderThreads(clients=clients, people=people, access=access), engine.accept,
            limits=orders.limits, watches=watches, clock=DatabaseClock(database, orders.clock),
            period=timing.orders,
            lease=timing.order_lease,
        )  # fmt: skip
        watched = WatchedMessages(watches=watches, due=self._due, reader=reader)
        handler = MessageHandler(
            engine=engine, reader=reader, access=access, addressing=addressing, preferences=preferences,
            stopper=stopper, edits=edits, queries=queries, notes=NoteCommands(ChannelNotes(database)),
            feedback=feedback, marks=marks, twins=Twins(engine=engine, clients=clients, edits=edits),
            tokens=ActionTokens(kept), signed=signed,
            watched=watched.handle,
        )  # fmt: skip
        self._intake = Intake(PendingEvents(kept), handler, timing, is_watched=watched.is_watched)
        listeners = MessageListeners(intake=self._intake, engine=engine, queries=queries)
        self._engine, self._queries, self._clients = engine, queries, clients
        if installations is not None:
            installations.on_saved = self._redeliver
        replies = ClickReplies(clients, feedback)
        buttons = ThreadButtons(
            engine=engine, queries=queries, people=people, replies=replies, stopper=stopper, access=access
        )
        ratings = RatingButtons(engine=engine, ratings=Ratings(database), clients=clients, replies=replies)
        approvals = ApprovalButtons(engine=engine, people=people, replies=replies, access=access)
        sources = SourcesButton(engine=engine, database=database, replies=replies)
        noting = NoteButtons(
            engine=engine, people=people, replies=replies, access=access,
            proposals=NoteProposals(database, _BUTTON),
        )  # fmt: skip
        controls = OrderControls(
            store=orders.store, due=self._due, people=people, access=access, replies=replies,
            limits=orders.limits, clock=orders.clock,
        )  # fmt: skip
        slash = SlashCommand(
            engine=engine, queries=queries, reader=reader, clients=clients, access=access, stopper=stopper,
            preferences=preferences, links=links, orders=controls,
        )  # fmt: skip
        shortcut = MessageShortcut(
            engine=engine, reader=reader, clients=clients, access=access, feedback=feedback, marks=marks
        )
        home = AppHome(
            engine=engine, queries=queries, usage=usage, clients=clients, links=links, stopper=stopper,
            settings=settings, orders=controls,
            notes=HomeNotes(notes=ChannelNotes(database), clients=clients, people=people),
        )  # fmt: skip
        uninstall = UninstallListeners(
            engine=engine, queries=queries, preferences=preferences, notes=ChannelNotes(database),
            installations=installations, clients=clients, orders=orders.store, clock=orders.clock,
        )  # fmt: skip
        self._backfill = Backfill(clients, self._intake, queries, kept, timing)
        groups: list[ListenerGroup] = [
            listeners, buttons, ratings, approvals, noting, sources, controls, slash, shortcut, home,
            uninstall,
        ]  # fmt: skip
        connect(self.app, self._intake, groups, on_refused=self._backfill.refused)
        #: The install pages, for the web server.
        self.routes = InstallPages(settings, installations).routes() if installations else ()
        self._sockets = SocketMode(self.app, token.get_secret_value(), timing) if token else None
        self._reachability = Reachability(None if token else self.app.client)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._intake.retrying())
            stack.push_async_callback(self.app.finish, self._timing.listeners)
            if self._sockets is not None:
                stack.push_async_callback(self._sockets.stop)
                await self._sockets.start()
            await stack.enter_async_context(self._backfill.watching(self._sockets))
            # This start may have fixed what kept answers back, such as a token or a setting.
            await self._redeliver()
            await stack.enter_async_context(self._due.running())
            self._stack = stack.pop_all()
        return self

    async def _redeliver(self, team: str = "") -> None:
        for task in await self._queries.undelivered(team=team):
            await self._engine.store.redeliver(task)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def ages(self) -> Mapping[int, float]:
        """Seconds since each open connection was opened, by its number; empty in HTTP mode."""
        return self._sockets.ages() if self._sockets is not None else {}

    async def problems(self) -> list[str]:
        """What is wrong with the connection to Slack, in sentences."""
        unconnected = self._sockets is not None and not await self._sockets.connected()
        found = ["no connection to Slack"] if unconnected else [*await self._reachability.problems()]
        if self._installations is not None:
            return found + await self._installations.problems()
        return found + [_REFUSED.format(word) for word in self._clients.refused()]


def make_installation_store(settings: Settings, kept: KeyValueStore) -> InstallationStore | None:
    """The installations of an app for several workspaces; None for a single workspace."""
    return (
        InstallationStore(kept, settings.token_keys, settings.allow_workspaces.split())
        if settings.slack_client_id is not None
        else None
    )


def make_clients(
    settings: Settings, http: aiohttp.ClientSession, installations: InstallationStore | None = None, *,
    bots: Callable[[], int] = lambda: 1,
) -> Clients:  # fmt: skip
    """A client for each installation, or one for a single workspace. `bots` share the rate limits."""
    if installations is not None:
        return Clients(
            settings.slack_api_url, http, installations.token, installations.teams,
            secrets=settings.secrets, bots=bots,
        )  # fmt: skip
    token = settings.slack_bot_token

    async def token_of(team: str) -> str | None:
        return token.get_secret_value() if token else None

    return Clients(settings.slack_api_url, http, token_of, secrets=settings.secrets, bots=bots)
