"""Listeners for `app_uninstalled` and `tokens_revoked`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp

from bot.install.store import InstallationStore
from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from tasks.engine import TaskEngine
from tasks.orders.store import OrderStore
from tasks.store.notes import ChannelNotes
from tasks.store.preferences import ChannelPreferences
from tasks.store.queries import TaskQueries

log = structlog.get_logger(__name__)
audit = structlog.get_logger("audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class UninstallListeners:
    """`installations` is None in a single workspace, whose token is a setting."""

    engine: TaskEngine
    queries: TaskQueries
    preferences: ChannelPreferences
    notes: ChannelNotes
    orders: OrderStore
    clock: Callable[[], float]
    installations: InstallationStore | None
    clients: Clients

    def register(self, app: AsyncApp) -> None:
        app.event("app_uninstalled")(self.uninstalled)
        app.event("tokens_revoked")(self.revoked)

    async def uninstalled(self, body: dict[str, Any]) -> None:
        """Stop the workspace's tasks, and delete its token, settings, notes and standing orders."""
        if not isinstance(team := body.get("team_id"), str) or await self._is_outdated(body, team):
            return
        log.warning("removed from the workspace", team=team)
        audit.info("removed", team=team)
        await self._delete_token(team)
        await self.preferences.delete_workspace(team)
        await self.notes.delete_workspace(team)
        await self.orders.delete_workspace(team, self.clock())
        for task in await self.queries.tasks(team=team, open_only=True, limit=10_000):
            await self.engine.stop(task.id, "Handoff was removed from the workspace")

    async def revoked(self, event: dict[str, Any], body: dict[str, Any]) -> None:
        """Tasks go on: their answers are delivered after the next installation."""
        team, tokens = body.get("team_id"), event.get("tokens")
        if await self._is_outdated(body, team):
            return
        if isinstance(team, str) and isinstance(tokens, dict) and tokens.get("bot"):
            log.error("Slack has revoked the bot's token: install the app again", team=team)
            await self._delete_token(team)
            await self._note_refusal(team)

    async def _is_outdated(self, body: dict[str, Any], team: object) -> bool:
        """Whether the workspace has installed the app again since the event, which Slack sent late."""
        sent = body.get("event_time")
        if self.installations is None or not isinstance(team, str) or not isinstance(sent, int | float):
            return False
        is_outdated = sent < int(await self.installations.installed_at(team))
        if is_outdated:
            log.warning("event about an earlier installation ignored", team=team)
        return is_outdated

    async def _note_refusal(self, team: str) -> None:
        """Make one call, so that the client learns of the refusal and /readyz shows it at once."""
        try:
            await (await self.clients.of(team)).auth_test()
        except SLACK_ERRORS as error:
            log.info("token asked about", team=team, answer=error_text(error))

    async def _delete_token(self, team: str) -> None:
        if self.installations is not None:
            await self.installations.delete(team)
