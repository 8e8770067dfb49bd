"""The stand-in's in-memory state. Publishes each change.

The only module that changes the state. Callers check Slack's rules before they write.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from playground.slack.changes import (
    Change,
    DirectoryChanged,
    EphemeralShown,
    FileChanged,
    HomeChanged,
    MessageChanged,
    MessageDeleted,
    ModalChanged,
    SessionChanged,
)
from playground.slack.files import File
from playground.slack.messages import SlackPost
from playground.slack.sessions import Session
from playground.slack.world import Channel, Json, User, World

T = TypeVar("T")


class WorkspaceState:
    """Readable by all; its values are frozen. The Web API's methods and people's actions write to it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._users = {user.id: user for user in world.users}
        self._channels = {channel.id: channel for channel in world.channels}
        self._messages: dict[str, dict[str, SlackPost]] = {channel.id: {} for channel in world.channels}
        self._replies: dict[tuple[str, str], list[str]] = {}
        self._files: dict[str, File] = {}
        self._sessions: dict[tuple[str, str], Session] = {}
        self._homes: dict[str, Json] = {}
        self._modals: dict[str, Json] = {}
        self._ephemerals: list[EphemeralShown] = []
        self._prompts: tuple[Json, ...] = ()
        self._listeners: list[Callable[[Change], None]] = []
        self._moved = asyncio.Event()
        self._last_ts = 0

    @property
    def users(self) -> Mapping[str, User]:
        return MappingProxyType(self._users)

    @property
    def channels(self) -> Mapping[str, Channel]:
        return MappingProxyType(self._channels)

    @property
    def files(self) -> Mapping[str, File]:
        return MappingProxyType(self._files)

    @property
    def sessions(self) -> Mapping[tuple[str, str], Session]:
        """By (channel, thread_ts)."""
        return MappingProxyType(self._sessions)

    @property
    def homes(self) -> Mapping[str, Json]:
        """The published App Home of each person, by user id."""
        return MappingProxyType(self._homes)

    @property
    def modals(self) -> Mapping[str, Json]:
        """The open modal of each person, by user id."""
        return MappingProxyType(self._modals)

    @property
    def ephemerals(self) -> tuple[EphemeralShown, ...]:
        return tuple(self._ephemerals)

    @property
    def prompts(self) -> tuple[Json, ...]:
        return self._prompts

    @property
    def messages(self) -> tuple[SlackPost, ...]:
        """All messages in the order of their `ts`."""
        everything = (message for channel in self._messages.values() for message in channel.values())
        return tuple(sorted(everything, key=lambda message: message.ts))

    def message(self, channel: str, ts: str) -> SlackPost | None:
        return self._messages.get(channel, {}).get(ts)

    def history(self, channel: str) -> list[SlackPost]:
        """All messages of a channel, replies included, oldest first."""
        return list(self._messages.get(channel, {}).values())

    def replies(self, channel: str, root: str) -> list[SlackPost]:
        """The replies of a thread without its root, oldest first."""
        return [self._messages[channel][ts] for ts in self._replies.get((channel, root), ())]

    def new_ts(self) -> str:
        """The current time as a unique Slack timestamp, in microseconds."""
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def restore(self, message: SlackPost) -> None:
        """Adds a message of an earlier run. Their order is that of their `ts`."""
        self._last_ts = max(self._last_ts, int(message.ts.replace(".", "")))
        self._add(message)

    def _add(self, message: SlackPost) -> bool:
        """Whether it is a new one."""
        known = self._messages[message.channel]
        is_new = message.ts not in known
        known[message.ts] = message
        if is_new and message.thread_ts is not None:
            self._replies.setdefault((message.channel, message.thread_ts), []).append(message.ts)
        return is_new

    def put_message(self, message: SlackPost) -> None:
        """Adds a message or replaces the one with its `ts`. A new reply changes its root as well."""
        is_new = self._add(message)
        self.publish(MessageChanged(message))
        if is_new:
            self._publish_root(message)

    def remove_message(self, message: SlackPost) -> None:
        """Removes a message. A root with replies leaves a tombstone, so that its thread keeps a root."""
        if message.thread_ts is None and self._replies.get((message.channel, message.ts)):
            self.put_message(
                SlackPost(
                    message.channel, message.ts, "USLACKBOT", "This message was deleted.", subtype="tombstone"
                )
            )
            return
        del self._messages[message.channel][message.ts]
        if message.thread_ts is not None:
            self._replies[message.channel, message.thread_ts].remove(message.ts)
        self.publish(MessageDeleted(message.channel, message.ts))
        self._publish_root(message)

    def _publish_root(self, message: SlackPost) -> None:
        root = message.thread_ts and self.message(message.channel, message.thread_ts)
        if root:
            self.publish(MessageChanged(root))

    def show_ephemeral(self, user: str, message: SlackPost) -> None:
        shown = EphemeralShown(user, message)
        self._ephemerals.append(shown)
        self.publish(shown)

    def put_file(self, file: File) -> None:
        self._files[file.id] = file
        self.publish(FileChanged(file.id, file))

    def remove_file(self, file_id: str) -> None:
        """Removes a file, also from every message that has it."""
        del self._files[file_id]
        for message in self.messages:
            if file_id in message.files:
                self.put_message(replace(message, files=tuple(f for f in message.files if f != file_id)))
        self.publish(FileChanged(file_id, None))

    def put_session(self, session: Session) -> None:
        self._sessions[session.channel, session.thread_ts] = session
        self.publish(SessionChanged(session))

    def put_home(self, user: str, view: Json) -> None:
        self._homes[user] = view
        self.publish(HomeChanged(user, view))

    def put_modal(self, user: str, view: Json | None) -> None:
        if view is None:
            self._modals.pop(user, None)
        else:
            self._modals[user] = view
        self.publish(ModalChanged(user, view))

    def put_channel(self, channel: Channel) -> None:
        self._channels[channel.id] = channel
        self._messages.setdefault(channel.id, {})
        self.publish(DirectoryChanged())

    def put_user(self, user: User) -> None:
        self._users[user.id] = user
        self.publish(DirectoryChanged())

    def put_prompts(self, prompts: Iterable[Json]) -> None:
        self._prompts = tuple(prompts)
        self.publish(DirectoryChanged())

    def publish(self, change: Change) -> None:
        """Passes a change to every listener and wakes all waiters."""
        for listener in self._listeners:
            listener(change)
        self._moved.set()
        self._moved = asyncio.Event()

    @contextmanager
    def listening(self, listener: Callable[[Change], None]) -> Iterator[None]:
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    async def wait_for(self, predicate: Callable[[WorkspaceState], T], timeout: float) -> T:
        """Returns the predicate's first true value, evaluated now and after every change.

        Raises TimeoutError after `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            while not (found := predicate(self)):
                await self._moved.wait()
        return found
