"""Time zones of people, by the IANA names that Slack gives."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

log = structlog.get_logger(__name__)


def time_zone(name: str) -> tzinfo:
    """The zone; `UTC` where there is no name, or one that this machine does not know."""
    if name:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            log.info("time zone not known, UTC is used", zone=name)
    return UTC
