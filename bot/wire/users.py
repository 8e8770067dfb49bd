"""A cache of Slack users: names, roles and workspaces from `users.info`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.timing import STANDARD, BotTiming
from bot.wire.client import SLACK_ERRORS, error_text, is_transient
from bot.wire.clients import Clients
from bot.wire.lookup_cache import LookupCache
from text.excerpt import one_line

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackUser:
    """A member of the workspace, or of another one in a shared channel."""

    name: str = ""
    team: str = ""
    is_admin: bool = False
    is_guest: bool = False
    is_bot: bool = False
    """The user of an app."""
    is_deactivated: bool = False
    """Whether the person has left the workspace."""
    zone: str = ""
    """The time zone by its IANA name, as set in Slack."""
    is_known: bool = True
    """False when the lookup failed: then only the id is known."""
    may_be_known_later: bool = False
    """Set for an unknown user when the lookup failed for a passing reason."""


_UNKNOWN = SlackUser(is_known=False)


class UserDirectory:
    """Slack users by workspace and id, cached."""

    def __init__(self, clients: Clients, timing: BotTiming = STANDARD) -> None:
        self._timing = timing
        self._clients = clients
        self._found = LookupCache(timing.user_cache, _UNKNOWN)

    def known(self, team: str, user: str, label: str = "") -> str:
        """The cached name; the label or the id of a user who was not looked up."""
        return self._found.known(team, user).name or label or user

    def is_person(self, team: str, user: str) -> bool:
        """Whether this user was looked up and is no app's."""
        found = self._found.known(team, user)
        return found.is_known and not found.is_bot

    async def name(self, team: str, user: str) -> str:
        """The name; the id when the lookup fails."""
        return (await self.person(team, user)).name or user

    async def ask(self, team: str, users: Iterable[str]) -> None:
        """Look up users in parallel, for `known`. Apps are skipped: `users.info` does not know them."""
        await asyncio.gather(*(self.person(team, user) for user in set(users) if user.startswith(("U", "W"))))

    async def person(self, team: str, user: str, *, now: bool = False) -> SlackUser:
        """The user, cached or looked up; if that fails, the last known entry. `now` bypasses the cache."""
        person = _UNKNOWN if now else self._found.known(team, user)
        if not now and self._found.is_fresh(team, user):
            return person
        try:
            async with asyncio.timeout(self._timing.user_lookup):
                client = await self._clients.of(team)
                answer = await client.users_info(user=user)
        except SLACK_ERRORS as error:
            passing = is_transient(error)
            (log.info if passing else log.warning)("user lookup failed", user=user, why=error_text(error))
            return person if person.is_known else replace(person, may_be_known_later=passing)
        person = _read(answer.get("user") or {}, team)
        self._found.keep(team, user, person)
        return person


def _read(user: Mapping[str, Any], here: str) -> SlackUser:
    """Parse `users.info`. An admin of another workspace than `here` is no admin. In an Enterprise
    organisation a user belongs to several workspaces, of which `team_id` is one."""
    profile = user.get("profile") or {}
    member_of = (user.get("enterprise_user") or {}).get("teams") or ()
    team = here if here in member_of else str(user.get("team_id") or "")
    name = profile.get("display_name") or user.get("real_name") or user.get("name") or ""
    return SlackUser(
        name=one_line(str(name), 100),
        team=team,
        is_admin=team in ("", here) and bool(user.get("is_admin") or user.get("is_owner")),
        is_bot=bool(user.get("is_bot")),
        is_deactivated=bool(user.get("deleted")),
        zone=str(user.get("tz") or ""),
        is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
    )
