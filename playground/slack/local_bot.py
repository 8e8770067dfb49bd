"""The bot of a playground that has started it itself."""

from __future__ import annotations

from typing import Protocol


class LocalBot(Protocol):
    """What the page may do with its process."""

    def kill(self) -> None:
        """Send it SIGKILL; it starts again."""
        ...

    def set_clock(self, ahead: float) -> None:
        """Set the clock that its standing orders go by `ahead` seconds before the real one."""
        ...
