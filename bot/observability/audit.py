"""The audit log: who did what, one JSON object per line, in a file of its own.

Lines come from `structlog.get_logger("audit")` wherever something is done for a person: `event` says what,
with `team`, `channel`, `user` and the ids that belong to it. They hold nothing that people wrote.
"""

from __future__ import annotations

import logging
import os
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path

LOGGER = "audit"


class AuditFile(WatchedFileHandler):
    """Appends to a file that only its owner may read, and opens it again when it was rotated away. Raises
    `OSError` when the file can't be opened."""

    def __init__(self, file: Path, formatter: logging.Formatter) -> None:
        super().__init__(file, encoding="utf-8")
        self.setFormatter(formatter)

    def _open(self) -> TextIOWrapper:
        opened = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fdopen(opened, "a", encoding="utf-8")
