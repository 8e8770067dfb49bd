"""How often the parts of the bot look at something, and how long they wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.timing import TaskTiming


@dataclass(frozen=True, slots=True, kw_only=True)
class BotTiming:
    """All in seconds. One value for a process, which `BotServer` gets; tests give shorter ones."""

    tasks: TaskTiming = field(default_factory=TaskTiming)


STANDARD = BotTiming()
