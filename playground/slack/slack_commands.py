"""Slash commands of the stand-in: Slack's own that change channel membership, and two that Slack lacks.

`/unarchive` stands for a menu of Slack. `/clock +1d` sets the clock of the playground's bot forward.
"""

from __future__ import annotations

import re
from datetime import timedelta

from playground.slack.errors import ActionRefused
from playground.slack.local_bot import LocalBot
from playground.slack.memberships import Memberships
from playground.slack.people import People
from playground.slack.state import WorkspaceState
from playground.slack.world import Channel, User

_SPAN = re.compile(r"\+?(?P<count>\d{1,4})\s*(?P<unit>[mhd])")
_FARTHEST = timedelta(days=3650)
_UNITS = {"m": 60, "h": 3600, "d": 86_400}
_NAME = re.compile(r"<@(?P<id>\w+)(?:\|[^>]*)?>|@?(?P<name>.+)")


class SlackCommands:
    """Each command is one action of one person. The answer is a sentence that only they see."""

    def __init__(
        self, state: WorkspaceState, people: People, memberships: Memberships,
        local_bot: LocalBot | None = None,
    ) -> None:  # fmt: skip
        self._state = state
        self._people = people
        self._memberships = memberships
        self._local_bot = local_bot
        self._ahead = timedelta()

    def run(self, user: str, channel: str, command: str, text: str) -> str | None:
        """Carries out a command; returns None if it is not Slack's. Raises ActionRefused with a sentence."""
        word = command.lstrip("/").lower()
        if word == "clock":
            return self._set_clock(text.strip())
        if word not in ("invite", "remove", "archive", "unarchive"):
            return None
        place = self._place(user, channel)
        match word:
            case "invite":
                return self._invite(user, place, self._named(text))
            case "remove":
                return self._remove(place, self._named(text))
            case "archive":
                self._memberships.archive(place.id)
                return f"#{place.name} is archived. /unarchive opens it again."
        self._memberships.unarchive(place.id, user)
        return f"#{place.name} is open again."

    def _set_clock(self, text: str) -> str:
        if self._local_bot is None:
            raise ActionRefused("The playground did not start this bot, so it can't set its clock.")
        if text == "now":
            ahead = timedelta()
        elif span := _SPAN.fullmatch(text):
            ahead = self._ahead + timedelta(seconds=int(span["count"]) * _UNITS[span["unit"]])
        else:
            raise ActionRefused("Write how far to set the bot's clock forward: /clock +90m, +8h, +1d or now.")
        if ahead > _FARTHEST:
            raise ActionRefused("The bot's clock can't be set forward by more than ten years.")
        self._ahead = ahead
        self._local_bot.set_clock(ahead.total_seconds())
        return f"For its standing orders, the bot's clock is {ahead} ahead. /clock now sets it back."

    def _invite(self, user: str, place: Channel, found: User) -> str:
        if found.id in place.members:
            raise ActionRefused(f"{found.real_name} is in #{place.name} already.")
        self._memberships.invite(place.id, found.id, inviter=user)
        return f"{found.real_name} is in #{place.name} now."

    def _remove(self, place: Channel, found: User) -> str:
        if found.id not in place.members:
            raise ActionRefused(f"{found.real_name} is not in #{place.name}.")
        self._memberships.remove(place.id, found.id)
        return f"{found.real_name} is no longer in #{place.name}. /invite adds them again."

    def _place(self, user: str, channel: str) -> Channel:
        self._people.person(user)
        place = self._state.channels.get(channel)
        if place is None or user not in place.members:
            raise ActionRefused("You are not in this channel.")
        if place.is_im:
            raise ActionRefused("This command works in channels, and this is a direct message.")
        return place

    def _named(self, text: str) -> User:
        """A person or the bot, by mention or by name."""
        match = _NAME.fullmatch(text.strip())
        wanted = (match["id"] or match["name"]).lower() if match else ""
        for user in self._state.users.values():
            if wanted in (user.id.lower(), user.name.lower(), user.real_name.lower()):
                return user
        raise ActionRefused("Name a person or the bot, for example: /invite @Handoff")
