"""What people have set for a thread or a channel: who is answered, and how much is shown.

Never decides what a message is: that is `bot.intake.intake`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from tasks.message import ThreadAddress
from tasks.store.key_value import KeyValueStore, place_of


class ProgressMode(StrEnum):
    """How much of the work a channel sees."""

    FULL = "full"
    QUIET = "quiet"  # no plan: only the sign that a message was seen, and the answer


class FollowUpMode(StrEnum):
    """Whether a reply needs a mention."""

    ON = "on"  # only when others than its writer and the bot are in the thread
    OFF = "off"  # always
    ALL = "all"  # never


CHOICES: dict[str, type[StrEnum]] = {"follow-ups": FollowUpMode, "progress": ProgressMode}
"""What `/handoff set` knows, with the values of each; the first one is the default."""


Default = Callable[[str, str, str], str | None]
"""A value of `CHOICES` for a workspace, a channel and a name; None where nobody has decided."""


class ChannelPreferences:
    """Reads and writes them; every answer has a default."""

    def __init__(self, kept: KeyValueStore, default: Default = lambda *_: None) -> None:
        """`default` is the operator's word for a place, which holds until people choose there."""
        self._kept = kept
        self._default = default

    async def progress(self, thread: ThreadAddress) -> ProgressMode:
        return ProgressMode(await self.of(thread.team, thread.channel, "progress"))

    async def follow_ups(self, thread: ThreadAddress) -> FollowUpMode:
        """Whether a reply in this thread needs a mention; a muted one has all of them do."""
        if await self._kept.get(place_of(thread), "muted"):
            return FollowUpMode.OFF
        return FollowUpMode(await self.of(thread.team, thread.channel, "follow-ups"))

    async def mute(self, thread: ThreadAddress, *, muted: bool) -> None:
        await self._kept.put(place_of(thread), "muted", muted or None)

    async def of(self, team: str, channel: str, name: str) -> str:
        """A channel's setting, by a name of `CHOICES`."""
        value = await self._kept.get(_channel(team, channel), name)
        known = list(CHOICES[name])
        return value if value in known else self._default(team, channel, name) or known[0]

    async def choose(self, team: str, channel: str, name: str, value: str) -> None:
        await self._kept.put(_channel(team, channel), name, value)

    async def forget(self, team: str) -> None:
        """Drop all that was set in a workspace."""
        await self._kept.forget_below(f"thread {team}/")
        await self._kept.forget_below(f"channel {team}/")


def _channel(team: str, channel: str) -> str:
    return f"channel {team}/{channel}"
