"""Settings from the environment, `.env` and the channels file."""

from __future__ import annotations

from bot.settings.settings import ENV_FILE, Settings, variable

__all__ = ["ENV_FILE", "Settings", "variable"]
