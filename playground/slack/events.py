"""Builds events in Slack's format and sends those that the app subscribes to.

Decides whether the bot gets an event: it must be in the channel. `deliveries` sends it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection

from playground.slack.credentials import Credentials
from playground.slack.deliveries import Deliveries
from playground.slack.messages import SlackPost
from playground.slack.mrkdwn import mentioned
from playground.slack.shapes import Shapes
from playground.slack.state import WorkspaceState
from playground.slack.world import Channel, Json, Kind

# fmt: off
SUBSCRIPTIONS = frozenset({
    "agent_session_stopped", "agent_session_title_changed", "app_context_changed", "app_home_opened",
    "app_mention", "app_uninstalled", "channel_unarchive", "group_unarchive",
    "member_joined_channel", "member_left_channel", "message.channels",
    "message.groups", "message.im", "message.mpim", "reaction_added", "reaction_removed", "tokens_revoked",
})
# fmt: on
_MESSAGE_EVENT: dict[Kind, tuple[str, str]] = {
    "channel": ("message.channels", "channel"),
    "private": ("message.groups", "group"),
    "im": ("message.im", "im"),
}
_NOT_IN_MENTIONS = frozenset({"channel_type", "subtype", "files", "upload", "display_as_bot"})
_HIDDEN_FROM_MENTIONS = frozenset({"message_changed", "message_deleted", "channel_join", "channel_leave"})


class Events:
    """Builds and sends the payload of each event."""

    def __init__(
        self,
        state: WorkspaceState,
        shapes: Shapes,
        deliveries: Deliveries,
        subscriptions: Collection[str],
        credentials: Credentials,
    ) -> None:
        self._state = state
        self._shapes = shapes
        self._deliveries = deliveries
        self._credentials = credentials
        self._mention_first = True
        self.subscriptions = frozenset(subscriptions)

    def posted(self, message: SlackPost) -> None:
        """A new message: a `message` event, and an `app_mention` event if it mentions the bot.

        Slack promises no order of the two, so each comes first every other time. As several projects report,
        only the `message` event holds the files.
        """
        shape = self._live(message)
        if not self._mentions_bot(message):
            self._message_event(message.channel, shape)
            return
        mention = {key: value for key, value in shape.items() if key not in _NOT_IN_MENTIONS}
        self._mention_first = not self._mention_first
        if self._mention_first:
            self._send("app_mention", mention | {"type": "app_mention"})
        self._message_event(message.channel, shape)
        if not self._mention_first:
            self._send("app_mention", mention | {"type": "app_mention"})

    def changed(self, before: SlackPost, after: SlackPost) -> None:
        self._about(
            after,
            "message_changed",
            {
                "message": self._shapes.message(after),
                "previous_message": self._shapes.message(before),
            },
        )

    def deleted(self, message: SlackPost) -> None:
        """For a root that leaves a tombstone, Slack sends `message_changed`."""
        if tombstone := self._state.message(message.channel, message.ts):
            self.changed(message, tombstone)
            return
        self._about(
            message,
            "message_deleted",
            {
                "deleted_ts": message.ts,
                "previous_message": self._shapes.message(message),
            },
        )

    def reacted(self, message: SlackPost, name: str, user: str, *, added: bool = True) -> None:
        kind = "reaction_added" if added else "reaction_removed"
        if not self._bot_is_in(message.channel):
            return
        self._send(
            kind,
            {
                "type": kind,
                "user": user,
                "reaction": name,
                "item_user": message.user,
                "item": {"type": "message", "channel": message.channel, "ts": message.ts},
                "event_ts": self._state.new_ts(),
            },
        )

    def home_opened(self, user: str, tab: str) -> None:
        channel = next(c.id for c in self._state.channels.values() if c.is_im and user in c.members)
        event: Json = {
            "type": "app_home_opened",
            "user": user,
            "channel": channel,
            "tab": tab,
            "event_ts": self._state.new_ts(),
        }
        if tab == "home" and user in self._state.homes:
            event["view"] = self._state.homes[user]
        self._send("app_home_opened", event)

    def joined(self, channel: Channel, user: str, *, inviter: str | None = None, joined: bool = True) -> None:
        kind = "member_joined_channel" if joined else "member_left_channel"
        event = {
            "type": kind,
            "user": user,
            "channel": channel.id,
            "team": self._state.world.team.id,
            "channel_type": "G" if channel.kind == "private" else "C",
            "event_ts": self._state.new_ts(),
        }
        self._send(kind, event | ({"inviter": inviter} if inviter else {}))

    def unarchived(self, channel: Channel, user: str) -> None:
        kind = "group_unarchive" if channel.kind == "private" else "channel_unarchive"
        event = {"type": kind, "channel": channel.id, "user": user, "event_ts": self._state.new_ts()}
        self._send(kind, event)

    def session_stopped(self, channel: str, thread_ts: str, user: str, streaming: list[str]) -> None:
        self._send(
            "agent_session_stopped",
            {
                "type": "agent_session_stopped",
                "channel": channel,
                "user": user,
                "thread_ts": thread_ts,
                "streaming_message_ts": streaming,
                "event_ts": self._state.new_ts(),
            },
        )

    def app_uninstalled(self) -> None:
        self._send("app_uninstalled", {"type": "app_uninstalled", "event_ts": self._state.new_ts()})

    def tokens_revoked(self) -> None:
        """The bot's token only: the app has no user tokens."""
        tokens = {"oauth": [], "bot": [self._state.world.bot.id]}
        self._send(
            "tokens_revoked", {"type": "tokens_revoked", "tokens": tokens, "event_ts": self._state.new_ts()}
        )

    def envelope(self, event: Json) -> Json:
        """The outer payload of every event, with an id of its own."""
        world = self._state.world
        return {
            "token": self._credentials.verification_token,
            "team_id": world.team.id,
            "context_team_id": world.team.id,
            "context_enterprise_id": None,
            "api_app_id": world.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{secrets.token_hex(5).upper()}",
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": world.team.id,
                    "user_id": world.bot.id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{secrets.token_urlsafe(24)}",
        }

    def _about(self, message: SlackPost, subtype: str, content: Json) -> None:
        self._message_event(
            message.channel,
            {
                "type": "message",
                "subtype": subtype,
                "hidden": True,
                "channel": message.channel,
                "ts": self._state.new_ts(),
                "event_ts": self._state.new_ts(),
                "channel_type": _MESSAGE_EVENT[self._state.channels[message.channel].kind][1],
            }
            | content,
        )

    def _live(self, message: SlackPost) -> Json:
        """A message as in an event: without the counts of its thread."""
        channel_type = _MESSAGE_EVENT[self._state.channels[message.channel].kind][1]
        shape = self._shapes.message(message, with_metadata=True) | {
            "channel": message.channel,
            "event_ts": message.ts,
            "channel_type": channel_type,
        }
        token = self._credentials.action_token(message.user) if message.bot_id is None else ""
        return shape | ({"assistant_thread": {"action_token": token}} if token else {})

    def _message_event(self, channel: str, event: Json) -> None:
        if self._bot_is_in(channel):
            self._send(_MESSAGE_EVENT[self._state.channels[channel].kind][0], event)

    def _mentions_bot(self, message: SlackPost) -> bool:
        bot = self._state.world.bot.id
        return (
            bot in mentioned(message.text)
            and not self._state.channels[message.channel].is_im
            and self._bot_is_in(message.channel)
            and message.subtype not in _HIDDEN_FROM_MENTIONS
            and message.user != bot
        )

    def _bot_is_in(self, channel: str) -> bool:
        return self._state.world.bot.id in self._state.channels[channel].members

    def _send(self, subscription: str, event: Json) -> None:
        if subscription in self.subscriptions:
            self._deliveries.send_event(self.envelope(event))
