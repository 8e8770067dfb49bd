"""Every error this room raises, and who reads it.

BotError              anything below; its text is a sentence for the person who runs the bot
├── SettingsError     the environment or `.env` can't be used as it is; the command ends with code 2
├── InvalidChannelsFile   the file of workspaces and channels can't be used; what was valid before stays
├── CheckFailed       one of the doctor's checks found something to mend; its line begins with ✗
│   └── TokenRefused  Slack itself says that a token can't be used; `serve` ends with code 2
├── InstallationError      what Slack gave for an installation can't be used; whoever installs sees a page
└── EventNotStored        an event could not be written down; refused, so that Slack sends it again

Errors never carry the value of a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.settings import Settings


class BotError(Exception):
    """A fault that can be told in one sentence: what is wrong, where, and the fix."""


class SettingsError(BotError):
    """All that is wrong with the settings, told at once.

    `problems` holds one sentence each. `usable` is what remains: the settings with every faulty variable
    left at its default, so that a command can look for further problems before it gives up.
    """

    def __init__(self, problems: tuple[str, ...], usable: Settings) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.usable = usable


class InvalidChannelsFile(BotError):
    """Mistakes in the file of workspaces and channels, one sentence each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class CheckFailed(BotError):
    """One of the doctor's checks found something to mend."""


class TokenRefused(CheckFailed):
    """Slack says that a token can't be used."""


class InstallationError(BotError):
    """What Slack gave for an installation can't be used."""


class EventNotStored(BotError):
    """An event of Slack's could not be written down, and must be sent again; told in the log only."""
