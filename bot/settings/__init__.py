"""What can be set: by an operator in the environment and a file, by people in Slack.

Never opens a connection, and never makes a part from what is set: that is `bot.factories`.
"""

from __future__ import annotations

from bot.settings.settings import ENV_FILE, Settings, variable

__all__ = ["ENV_FILE", "Settings", "variable"]
