"""Slack's JSON in every shape, right and wrong: read, or refused with a sentence, and never anything else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.wire.events import MalformedPayload, MessageChange, SlackMessage, parse_change, parse_message
from bot.wire.interactions import ClickPayload, CommandPayload, ShortcutPayload, parse_interaction

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
# fmt: off
KEYS = [
    "type", "subtype", "channel", "ts", "text", "user", "bot_id", "thread_ts", "channel_type", "team",
    "files", "message", "previous_message", "deleted_ts", "team_id", "event", "id", "name", "size", "value",
    "action_id",
    "url_private_download", "actions", "trigger_id",
]
# fmt: on
MESSAGE = {"type": "message", "channel": "C1", "ts": "1.000001", "user": "U1", "text": "hello"}
WILD = st.dictionaries(
    st.sampled_from(KEYS), JSON | st.sampled_from(["message", "message_changed", "1.000001"])
)


def _body(event: object, **more: object) -> dict[str, Any]:
    return {"team_id": "T1", "event": event, **more}


def _tried(body: object) -> tuple[SlackMessage | None, MessageChange | None] | str:
    try:
        return parse_message(body), parse_change(body)
    except MalformedPayload as problem:
        return str(problem)


@given(JSON)
def test_any_json_is_read_or_refused(body: object) -> None:
    assert _tried(body) is not None
    for shape in (ClickPayload, CommandPayload, ShortcutPayload):
        parse_interaction(shape, body)


@given(WILD, WILD)
def test_any_event_is_read_or_refused(event: dict[str, Any], nested: dict[str, Any]) -> None:
    for payload in (event, {**MESSAGE, **event}, {**event, "message": nested, "previous_message": nested}):
        for subtype in ({}, {"type": "message", "subtype": "message_changed"}):
            found = _tried(_body({**payload, **subtype}))
            assert isinstance(found, str | tuple)


@given(st.sampled_from(sorted(MESSAGE)), JSON)
def test_one_wrong_field_never_makes_half_a_message(field: str, value: object) -> None:
    found = _tried(_body({**MESSAGE, field: value}))
    if isinstance(found, tuple) and found[0] is not None:
        message = found[0]
        assert float(message.ts) > 0
        assert all(isinstance(text, str) for text in (message.user, message.text, message.thread.channel))


@pytest.mark.parametrize(
    ("thread", "token"),
    [({"action_token": "1.2.ab"}, "1.2.ab"), ({"action_token": 7}, ""), ({"action_token": "x" * 1001}, ""),
     ("1.2", ""), (None, "")],
)  # fmt: skip
def test_the_permission_to_search_is_read(thread: object, token: str) -> None:
    message = parse_message(_body({**MESSAGE, "assistant_thread": thread}))
    assert message is not None
    assert message.action_token == token


def test_a_reply_with_a_file_is_read_whole() -> None:
    message = parse_message(
        _body({**MESSAGE, "thread_ts": "0.000009", "files": [{"id": "F1", "name": "a.csv", "size": 3}]})
    )

    assert message is not None
    assert (message.thread.team, message.thread.channel, message.thread.ts) == ("T1", "C1", "0.000009")
    assert message.is_reply
    assert not message.is_direct
    assert [(file.id, file.name, file.size) for file in message.files] == [("F1", "a.csv", 3)]


def test_an_app_is_known_by_its_bot_id() -> None:
    message = parse_message(_body({**MESSAGE, "bot_id": "B7", "subtype": "bot_message"}))

    assert message is not None
    assert message.by_bot
    assert message.user == "B7"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"channel": 7}, "event.channel"),
        ({"ts": "yesterday"}, "event.ts"),
        ({"user": ""}, "event.user"),
        ({"user": None}, "neither a user nor a bot"),
        ({"subtype": "bot_message"}, "neither a user nor a bot"),
    ],
)
def test_a_refusal_names_the_place(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(MalformedPayload, match=sentence):
        parse_message(_body({**MESSAGE, **change}))


def test_an_edit_and_a_deletion_are_read() -> None:
    about = {"type": "message", "channel": "C1", "ts": "2.000001"}
    before = {**MESSAGE, "text": "helo"}
    edit = parse_change(
        _body({**about, "subtype": "message_changed", "message": MESSAGE, "previous_message": before})
    )
    gone = parse_change(
        _body({**about, "subtype": "message_deleted", "deleted_ts": "1.000001", "previous_message": MESSAGE})
    )

    assert edit is not None
    assert edit.now is not None
    assert (edit.ts, edit.before.text, edit.now.text) == ("1.000001", "helo", "hello")
    assert gone is not None
    assert (gone.ts, gone.now) == ("1.000001", None)
    assert parse_message(_body({**about, "subtype": "message_changed", "message": MESSAGE})) is None


def test_a_message_that_left_a_tombstone_is_deleted() -> None:
    tombstone = {**MESSAGE, "subtype": "tombstone", "user": "USLACKBOT", "text": "This message was deleted."}
    about = {"type": "message", "subtype": "message_changed", "channel": "C1", "ts": "2.000001"}
    gone = parse_change(_body({**about, "message": tombstone, "previous_message": MESSAGE}))

    assert gone is not None
    assert (gone.ts, gone.now) == ("1.000001", None)
