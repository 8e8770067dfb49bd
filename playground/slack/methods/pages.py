"""Pagination: Slack's cursors and limits."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

from playground.slack.arguments import Arguments
from playground.slack.errors import Refused
from playground.slack.world import Json

T = TypeVar("T")


def page(items: Sequence[T], arguments: Arguments, *, default: int, most: int) -> tuple[Sequence[T], str]:
    """One page and the cursor of the next; the cursor is empty after the last.

    Raises Refused for an unknown cursor.
    """
    start = _read_cursor(arguments.maybe_text("cursor") or "")
    end = start + arguments.number("limit", default, most=most)
    return items[start:end], _cursor(end) if end < len(items) else ""


def metadata(cursor: str) -> Json:
    return {"response_metadata": {"next_cursor": cursor}}


def _cursor(place: int) -> str:
    return base64.b64encode(f"next:{place}".encode()).decode()


def _read_cursor(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        name, _, place = base64.b64decode(cursor, validate=True).decode().partition(":")
    except ValueError:
        raise Refused("invalid_cursor") from None
    if name != "next" or not place.isdecimal():
        raise Refused("invalid_cursor")
    return int(place)
