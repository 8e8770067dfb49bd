"""Which channels a task may read: those that its people may see, and only where it may show them.

Slack is asked at each call, and what a model says about anyone's rights has no part in it. A channel that may
not be read and one that does not exist get the same sentence.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.errors import ToolFailure
from bot.tools import sentences
from bot.wire.client import SlackClient
from bot.wire.users import UserDirectory
from tasks.task import Task

#: Pages of a list of channels, 200 each; someone in more channels may not read those behind.
_MOST_PAGES = 20
_ID = re.compile(r"<?#?([CGD][A-Z0-9]{7,})(?:\|[^>]*)?>?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelInfo:
    """A channel or direct message, as Slack describes it now."""

    id: str
    name: str
    is_private: bool
    is_direct: bool
    is_external: bool
    """Shared with another company (Slack Connect), or invited to be."""
    person: str
    """Whom the bot talks with, in a direct message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAccess:
    """The rights of one task: those that all who wrote in it have."""

    client: SlackClient
    people: UserDirectory
    task: Task
    writers: Callable[[str], Awaitable[Sequence[str]]]
    """The users who have written to a task, by its id."""

    async def find(self, named: str) -> ChannelInfo:
        """A channel by its name or id. Raises `ToolFailure` unless it may be read and shown here."""
        id_ = found[1] if (found := _ID.fullmatch(named.strip())) else await self._id_of(named)
        return await self.check(id_)

    async def here(self) -> ChannelInfo:
        """The channel of the task's thread, as it is now."""
        return await self._describe(self.task.thread.channel)

    async def check(self, id_: str, here: ChannelInfo | None = None) -> ChannelInfo:
        """The channel with this id. Raises `ToolFailure` unless it may be read and shown here. `here` saves a
        call of Slack where one call of a tool checks several channels."""
        channel = await self._describe(id_)
        if id_ == self.task.thread.channel:
            return channel  # who reads the thread reads the channel too
        if channel.is_direct or not await self._may_read(channel):
            raise ToolFailure(sentences.NO_CHANNEL)
        here = here or await self.here()
        if channel.is_private and here.person != self.task.user:
            raise ToolFailure(sentences.PRIVATE)
        if here.is_external:
            raise ToolFailure(sentences.EXTERNAL)
        return channel

    async def _id_of(self, named: str) -> str:
        """The id of a channel that the bot is in: it can read no other."""
        name = named.strip().strip("<>#").lower()
        async for found in self.client.items(
            "users.conversations", "channels", most_pages=_MOST_PAGES, types="public_channel,private_channel"
        ):
            if str(found.get("name")).lower() == name:
                return str(found["id"])
        raise ToolFailure(sentences.NO_CHANNEL)

    async def _describe(self, id_: str) -> ChannelInfo:
        answer = await self.client.conversations_info(channel=id_)
        return _read_conversation(id_, answer.get("channel") or {})

    async def _may_read(self, channel: ChannelInfo) -> bool:
        writers = {self.task.user, *await self.writers(self.task.id)}
        return all([await self._sees(person, channel) for person in writers])

    async def _sees(self, person: str, channel: ChannelInfo) -> bool:
        """Members of the workspace see its public channels; guests, people of other workspaces and people
        whom Slack does not describe see only those that they are in, and apps none."""
        if not person.startswith(("U", "W")):
            return False
        if not channel.is_private:
            profile = await self.people.person(self.task.thread.team, person, now=True)
            if profile.is_known and not profile.is_guest and profile.team == self.task.thread.team:
                return True
        kind = "private_channel" if channel.is_private else "public_channel"
        async for found in self.client.items(
            "users.conversations", "channels", most_pages=_MOST_PAGES, user=person, types=kind
        ):
            if found.get("id") == channel.id:
                return True
        return False


def _read_conversation(id_: str, channel: Mapping[str, Any]) -> ChannelInfo:
    """Parse `conversations.info`. What is neither a channel nor known to be public counts as private."""
    is_direct = bool(channel.get("is_im") or channel.get("is_mpim"))
    is_public = channel.get("is_private") is False and not is_direct
    external = ("is_ext_shared", "is_pending_ext_shared")
    return ChannelInfo(
        id=id_,
        name=str(channel.get("name") or ""),
        is_private=not is_public,
        is_direct=is_direct,
        is_external=any(channel.get(key) for key in external) or bool(channel.get("pending_shared")),
        person=str(channel.get("user") or "") if channel.get("is_im") else "",
    )
