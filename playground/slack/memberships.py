"""Channel membership: creating channels, inviting, leaving, archiving."""

from __future__ import annotations

import secrets
from dataclasses import replace

from playground.slack.errors import ActionRefused
from playground.slack.events import Events
from playground.slack.state import WorkspaceState
from playground.slack.world import Channel, Kind


class Memberships:
    """Each method sends the bot the events of its channels."""

    def __init__(self, state: WorkspaceState, events: Events) -> None:
        self._state = state
        self._events = events

    def create_channel(self, user: str, name: str, *, kind: Kind = "channel") -> str:
        """Creates a channel with one person in it and returns its id. The bot is not in it until invited."""
        channel = Channel(f"C{secrets.token_hex(5).upper()}", name, kind, frozenset({user}), creator=user)
        self._state.put_channel(channel)
        return channel.id

    def invite(self, channel: str, user: str, *, inviter: str | None = None) -> None:
        """Adds a person or the bot to a channel."""
        joined = self._changed(channel, added=user)
        self._events.joined(joined, user, inviter=inviter)

    def remove(self, channel: str, user: str) -> None:
        """Removes a person or the bot from a channel."""
        self._events.joined(self._changed(channel, removed=user), user, joined=False)

    def archive(self, channel: str) -> None:
        """Archives a channel, so that messages can't be posted in it."""
        self._state.put_channel(replace(self._found(channel), archived=True))

    def unarchive(self, channel: str, user: str) -> None:
        """Unarchives a channel. Its members stay."""
        opened = replace(self._found(channel), archived=False)
        self._state.put_channel(opened)
        self._events.unarchived(opened, user)

    def _changed(self, channel: str, *, added: str | None = None, removed: str | None = None) -> Channel:
        known = self._found(channel)
        members = (known.members | {added}) if added else (known.members - {removed or ""})
        changed = replace(known, members=members)
        self._state.put_channel(changed)
        return changed

    def _found(self, channel: str) -> Channel:
        if channel not in self._state.channels:
            raise ActionRefused(f"There is no channel {channel}.")
        return self._state.channels[channel]
