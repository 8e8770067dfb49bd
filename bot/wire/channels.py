"""A cache of Slack channels: names, topics and kinds from `conversations.info`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from bot.timing import STANDARD, BotTiming
from bot.wire.client import SLACK_ERRORS, error_text
from bot.wire.clients import Clients
from bot.wire.entities import RawNames, plain_text
from bot.wire.lookup_cache import LookupCache
from text.excerpt import one_line

log = structlog.get_logger(__name__)

#: Characters of a topic that are shown; Slack takes 250.
_TOPIC = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackChannel:
    """A channel or direct message."""

    name: str = ""
    """Without `#`; empty for a direct message, and when the lookup failed."""
    topic: str = ""
    is_private: bool = False
    is_member: bool = False
    """Whether the bot is in it."""


_UNKNOWN_CHANNEL = SlackChannel()


class ChannelDirectory:
    """Slack channels by workspace and id, cached."""

    def __init__(self, clients: Clients, timing: BotTiming = STANDARD) -> None:
        self._clients = clients
        self._timing = timing
        self._found = LookupCache(timing.user_cache, _UNKNOWN_CHANNEL)

    def known(self, team: str, channel: str, label: str = "") -> str:
        """The cached name with its topic; the label or the id of a channel that was not looked up."""
        found = self._found.known(team, channel)
        name = found.name or label or channel
        return f"{name} (topic: {found.topic})" if found.topic else name

    async def ask(self, team: str, channels: Iterable[str]) -> None:
        """Look up channels in parallel, for `known`."""
        await asyncio.gather(*(self.channel(team, channel) for channel in set(channels)))

    async def channel(self, team: str, channel: str) -> SlackChannel:
        """The channel, cached or looked up; if that fails, the last known entry."""
        known = self._found.known(team, channel)
        if self._found.is_fresh(team, channel):
            return known
        try:
            async with asyncio.timeout(self._timing.user_lookup):
                client = await self._clients.of(team)
                answer = await client.conversations_info(channel=channel)
        except SLACK_ERRORS as error:
            log.info("channel lookup failed", channel=channel, why=error_text(error))
            return known
        found = _read_channel(answer.get("channel") or {})
        self._found.keep(team, channel, found)
        return found


def _read_channel(channel: Mapping[str, Any]) -> SlackChannel:
    is_direct = bool(channel.get("is_im"))
    topic = (channel.get("topic") or {}).get("value") or ""
    return SlackChannel(
        name="" if is_direct else one_line(str(channel.get("name") or ""), 100),
        topic=one_line(plain_text(str(topic), RawNames()), _TOPIC),
        is_private=bool(channel.get("is_private") or is_direct),
        is_member=bool(channel.get("is_member")),
    )
