"""What leaves for Slack: without previews of links, and without the bot's own secrets."""

from __future__ import annotations

from typing import Any

import pytest

from bot.settings.redaction import REDACTED
from bot.wire.outgoing import OutgoingFilter

KEY = "sk-live-0123456789/+abc"
OUTGOING = OutgoingFilter([KEY, "short", "xoxb-1-token"])


def test_a_post_has_no_previews_and_other_calls_are_left_alone() -> None:
    sent = OUTGOING.apply("chat.postMessage", {"json": {"channel": "C1", "text": "https://e.com/?d=1"}})

    assert sent["json"] == {
        "channel": "C1", "text": "https://e.com/?d=1", "unfurl_links": False, "unfurl_media": False,
    }  # fmt: skip
    asked = {"params": {"channel": "C1", "limit": 3}, "http_verb": "GET"}
    assert OUTGOING.apply("conversations.replies", asked) == asked


@pytest.mark.parametrize(
    ("method", "content"),
    [
        ("chat.postMessage", {"text": f"the key is {KEY}."}),
        ("chat.update", {"blocks": [{"type": "markdown", "text": f"`{KEY}`"}]}),
        ("chat.appendStream", {"chunks": [{"type": "markdown_text", "text": f"{KEY} "}]}),
        ("chat.appendStream", {"chunks": [{"type": "task_update", "id": "w1", "title": KEY}]}),
        ("views.publish", {"view": {"blocks": [{"type": "section", "text": {"text": KEY}}]}}),
        ("chat.postMessage", {"text": "sk-live-0123456789%2F%2Babc, xoxb-1-token"}),
    ],
)
def test_a_secret_is_posted_nowhere(method: str, content: dict[str, Any]) -> None:
    sent = str(OUTGOING.apply(method, {"json": content})["json"])

    assert REDACTED in sent
    assert not any(secret in sent for secret in (KEY, "xoxb-1-token", "0123456789"))


def test_a_secret_is_taken_out_of_files_and_all_else_stays() -> None:
    data = b"\x00\xff short " + KEY.encode()

    assert OUTGOING.file(data) == b"\x00\xff short " + REDACTED.encode()
    assert OUTGOING.apply("chat.update", {"json": {"ts": "xoxb-1-token", "text": "short"}})["json"] == {
        "ts": "xoxb-1-token", "text": "short",
    }  # fmt: skip
