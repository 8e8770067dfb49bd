"""Slack's size limits for messages: texts, Markdown, metadata and whole messages."""

from __future__ import annotations

import json

from playground.slack.errors import Refused
from playground.slack.mrkdwn import as_sent
from playground.slack.world import Json

MAX_TEXT = 40_000
"""Characters of a posted text. Slack cuts off the rest."""
MAX_UPDATE_BYTES = 4_000
"""Bytes of an edited text, counted after escaping."""
MAX_MARKDOWN = 12_000
"""Characters of Markdown in one payload and, without task cards, in one streamed message."""
MAX_BLOCK_TEXT = 13_200
"""Characters of all blocks of a message together. Undocumented; measured by others."""
MAX_STREAM_WEIGHT = 10_600
"""Bytes of a streamed message with text and task cards, where details and output count twice.

Undocumented: the smallest size that was refused is a little larger.
"""
MAX_FIELD = 256
"""Characters per chunk: a task's title, details and output, and a plan's title."""
MAX_METADATA = 16_384
"""Bytes of metadata as JSON. Slack documents the error but not the limit: this one is ours."""


def posted_text(text: str) -> str:
    """A text as chat.postMessage stores it."""
    return as_sent(text)[:MAX_TEXT]


def updated_text(text: str) -> str:
    """A text as chat.update stores it. Raises Refused: Slack refuses a long edit and does not cut it."""
    kept = as_sent(text)
    if len(kept.encode()) > MAX_UPDATE_BYTES:
        raise Refused("msg_too_long")
    return kept


def check_markdown(text: str) -> str:
    if len(text) > MAX_MARKDOWN:
        raise Refused("msg_too_long", f"[ERROR] markdown_text is longer than {MAX_MARKDOWN} characters")
    return text


def check_metadata(metadata: object) -> Json | None:
    """The metadata of a message, or None. Raises Refused for a format or size that Slack refuses."""
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise Refused("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise Refused("invalid_metadata_format")
    if len(json.dumps(metadata).encode()) > MAX_METADATA:
        raise Refused("metadata_too_large")
    return metadata
