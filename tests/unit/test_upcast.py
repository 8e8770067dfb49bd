"""Old log entries come in today's shape, and newer ones are refused with a sentence."""

from __future__ import annotations

import pytest

from agents.conversation import reply_from_json
from tasks.errors import NewerRow
from tasks.store.upcast import STEPS, VERSION, upcast


def test_a_reply_of_the_first_version_is_read() -> None:
    body = {"text": "hello", "calls": [], "finish": "stop", "usage": {}, "api": "chat", "raw": []}
    shaped = upcast("reply", body, 1)
    assert (shaped["model"], shaped["left_out"]) == ("", 0)
    assert reply_from_json(shaped).text == "hello"


def test_a_result_of_the_first_version_is_read() -> None:
    body = {"call": "c1", "text": "seven", "note": "", "facts": {"report": {"status": "done"}}}
    assert upcast("result", body, 1) == body | {"ends": True, "times": 1, "same_as": ""}
    assert upcast("result", body | {"facts": {}}, 1)["ends"] is False


def test_an_entry_of_today_stays_as_it_is() -> None:
    body = {"text": "hello"}
    assert upcast("user", body, VERSION) is body


def test_every_earlier_version_has_its_step() -> None:
    assert sorted(STEPS) == list(range(1, VERSION))


def test_an_entry_of_a_later_version_is_refused() -> None:
    with pytest.raises(NewerRow, match=f"version {VERSION + 1}.*Update this process"):
        upcast("reply", {}, VERSION + 1)
