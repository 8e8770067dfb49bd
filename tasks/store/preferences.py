"""What people set for a thread or a channel: when a reply is answered, and how much of the work is shown."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from tasks.message import ThreadAddress
from tasks.store.key_value import KeyValueStore, thread_namespace


class ProgressMode(StrEnum):
    """How much of the work a channel sees."""

    FULL = "full"
    QUIET = "quiet"  # no plan: only the reaction to the message, and the answer


class UsageMode(StrEnum):
    """Whether an answer says which workers, tokens and money it took, beside the time."""

    OFF = "off"
    ON = "on"


class FiguresMode(StrEnum):
    """What becomes of an answer's figures that no run, tool, report or message has."""

    ON = "on"  # the orchestrator corrects them once; what is left is named below the answer
    OFF = "off"  # nothing: figures are not checked
    STRICT = "strict"  # as on, and what is left is named above the answer


class FollowUpMode(StrEnum):
    """Whether the bot answers a reply without a mention."""

    ON = "on"  # yes, unless other people take part in the thread
    OFF = "off"  # no
    ALL = "all"  # yes


CHOICES: dict[str, type[StrEnum]] = {
    "follow-ups": FollowUpMode, "progress": ProgressMode, "usage": UsageMode, "figures": FiguresMode,
}  # fmt: skip
"""What `/handoff set` accepts, with the values of each; the first value is the default."""


Default = Callable[[str, str, str], str | None]
"""The operator's value for a workspace, a channel and a name of `CHOICES`; None where none is set."""


class ChannelPreferences:
    """Reads and writes preferences; one that is not set has its default."""

    def __init__(self, values: KeyValueStore, default: Default = lambda *_: None) -> None:
        """`default` is the operator's value, used until people set another one."""
        self._values = values
        self._default = default

    async def all(self, thread: ThreadAddress) -> dict[str, str]:
        """The values of the thread's channel, by the names of `CHOICES`."""
        team, channel = thread.team, thread.channel
        kept = await self._values.all(_channel_namespace(team, channel))
        return {name: self._value(team, channel, name, kept.get(name)) for name in CHOICES}

    async def figures(self, thread: ThreadAddress) -> FiguresMode:
        return FiguresMode(await self.get(thread.team, thread.channel, "figures"))

    async def follow_ups(self, thread: ThreadAddress) -> FollowUpMode:
        """The thread's mode: `OFF` in a muted thread, else the channel's."""
        if await self._values.get(thread_namespace(thread), "muted"):
            return FollowUpMode.OFF
        return FollowUpMode(await self.get(thread.team, thread.channel, "follow-ups"))

    async def mute(self, thread: ThreadAddress, *, muted: bool) -> None:
        await self._values.put(thread_namespace(thread), "muted", muted or None)

    async def get(self, team: str, channel: str, name: str) -> str:
        """A channel's value for a name of `CHOICES`."""
        kept = await self._values.get(_channel_namespace(team, channel), name)
        return self._value(team, channel, name, kept)

    def _value(self, team: str, channel: str, name: str, kept: object) -> str:
        known = [str(value) for value in CHOICES[name]]
        return str(kept) if kept in known else self._default(team, channel, name) or known[0]

    async def put(self, team: str, channel: str, name: str, value: str) -> None:
        await self._values.put(_channel_namespace(team, channel), name, value)

    async def delete_workspace(self, team: str) -> None:
        """Delete every value of a workspace's threads and channels."""
        await self._values.delete_prefix(f"thread {team}/")
        await self._values.delete_prefix(f"channel {team}/")


def _channel_namespace(team: str, channel: str) -> str:
    return f"channel {team}/{channel}"
