"""Slack's own slash commands that change channel membership.

Slack has no command to unarchive a channel: here `/unarchive` stands for its menu.
"""

from __future__ import annotations

import re

from playground.slack.errors import ActionRefused
from playground.slack.memberships import Memberships
from playground.slack.people import People
from playground.slack.state import WorkspaceState
from playground.slack.world import Channel, User

_NAME = re.compile(r"<@(?P<id>\w+)(?:\|[^>]*)?>|@?(?P<name>.+)")


class SlackCommands:
    """Each command is one action of one person. The answer is a sentence that only they see."""

    def __init__(self, state: WorkspaceState, people: People, memberships: Memberships) -> None:
        self._state = state
        self._people = people
        self._memberships = memberships

    def run(self, user: str, channel: str, command: str, text: str) -> str | None:
        """Carries out a command; returns None if it is not Slack's. Raises ActionRefused with a sentence."""
        word = command.lstrip("/").lower()
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
