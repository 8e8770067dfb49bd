"""Looks up the channels, messages and people that a Web API call names. Refuses with Slack's errors."""

from __future__ import annotations

from playground.slack.errors import Refused
from playground.slack.messages import SlackPost
from playground.slack.state import WorkspaceState
from playground.slack.world import Channel, User


class Directory:
    """Looks up what the bot can see."""

    def __init__(self, state: WorkspaceState) -> None:
        self._state = state

    def channel(self, channel_id: str) -> Channel:
        """A channel that the bot can see: a public one, or one that it is in."""
        channel = self._state.channels.get(channel_id)
        if channel is None or (channel.kind != "channel" and not self.bot_is_in(channel)):
            raise Refused("channel_not_found")
        return channel

    def joined(self, channel_id: str) -> Channel:
        """A channel that the bot is in."""
        channel = self.channel(channel_id)
        if not self.bot_is_in(channel):
            raise Refused("not_in_channel")
        return channel

    def writable(self, destination: str) -> Channel:
        """A channel that the bot can write in, by its id, its name, or a person's id."""
        channel = self._named(destination) or self.joined(destination)
        if not self.bot_is_in(channel):
            raise Refused("not_in_channel")
        if channel.archived:
            raise Refused("is_archived")
        return channel

    def message(self, channel: Channel, ts: str) -> SlackPost:
        message = self._state.message(channel.id, ts)
        if message is None:
            raise Refused("message_not_found")
        return message

    def own_message(self, channel: Channel, ts: str, otherwise: str) -> SlackPost:
        """A message that the bot wrote. Raises Refused(`otherwise`) for any other."""
        message = self.message(channel, ts)
        if message.bot_id != self._state.world.bot.bot_id:
            raise Refused(otherwise)
        return message

    def thread(self, channel: Channel, thread_ts: str) -> SlackPost:
        """The root of a thread to write in."""
        root = self._state.message(channel.id, thread_ts)
        if root is None:
            raise Refused("thread_not_found")
        if root.thread_ts is not None:
            raise Refused("cannot_reply_to_message", "[ERROR] thread_ts is a reply, not the head of a thread")
        return root

    def user(self, user_id: str) -> User:
        user = self._state.users.get(user_id)
        if user is None:
            raise Refused("user_not_found")
        return user

    def direct_message(self, user_id: str) -> Channel:
        """The direct message channel of the bot and a person."""
        user = self.user(user_id)
        for channel in self._state.channels.values():
            if channel.is_im and user.id in channel.members and not user.is_bot:
                return channel
        raise Refused("cannot_dm_bot" if user.is_bot else "channel_not_found")

    def bot_is_in(self, channel: Channel) -> bool:
        return self._state.world.bot.id in channel.members

    def _named(self, destination: str) -> Channel | None:
        if destination in self._state.users:
            return self.direct_message(destination)
        name = destination.removeprefix("#")
        named = (channel for channel in self._state.channels.values() if not channel.is_im)
        return next((channel for channel in named if channel.name == name), None)
