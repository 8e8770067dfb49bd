"""The errors of this room and who reads them.

BotError              anything below; its text is a sentence for the person who runs the bot
├── SettingsError     the environment or `.env` can't be used as it is; the command ends with code 2
├── InvalidChannelsFile   the file of workspaces and channels can't be used; what was valid before stays
├── CheckFailed       one of the doctor's checks found something to mend; its line begins with ✗
│   └── TokenRefused  Slack itself says that a token can't be used; `serve` ends with code 2
├── InstallationError      an installation can't be used; the person who installs sees a page
└── EventNotStored         an event could not be stored; refused, so that Slack sends it again

No error contains a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.settings import Settings


class BotError(Exception):
    """Its text is one sentence: what is wrong, where, and the fix."""


class SettingsError(BotError):
    """All problems of the settings at once.

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
    """An event could not be stored, so Slack must send it again. It appears in the log only."""
