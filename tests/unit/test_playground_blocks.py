"""Block Kit: what fits is taken and gets its ids, the rest is refused with Slack's name and a place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.slack.blocks import check_blocks
from playground.slack.errors import Refused

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)
# fmt: off
KINDS = [
    "section", "header", "context", "actions", "context_actions", "input", "markdown", "image", "rich_text",
    "table", "data_visualization", "task_card", "plan", "divider", "button", "static_select",
    "feedback_buttons", "overflow",
]
FIELDS = [
    "text", "fields", "accessory", "elements", "element", "label", "title", "tasks", "rows", "options",
    "option_groups", "value", "chart", "block_id", "action_id", "positive_button", "status", "details",
]
# fmt: on
SHAPED = st.recursive(
    st.fixed_dictionaries({"type": st.sampled_from([*KINDS, "plain_text", "mrkdwn"]), "text": JSON}),
    lambda inner: st.dictionaries(
        st.sampled_from(FIELDS), inner | st.lists(inner, max_size=3) | JSON, max_size=5
    ).flatmap(lambda fields: st.sampled_from(KINDS).map(lambda kind: fields | {"type": kind})),
    max_leaves=12,
)


def text(words: str, kind: str = "plain_text") -> dict[str, Any]:
    return {"type": kind, "text": words}


def button(**changes: Any) -> dict[str, Any]:
    return {"type": "button", "text": text("Go"), "action_id": "go"} | changes


def refusal(*blocks: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        check_blocks(list(blocks))
    return caught.value


@settings(deadline=None)
@given(JSON | st.lists(SHAPED, max_size=4))
def test_any_json_is_taken_or_refused(value: Any) -> None:
    try:
        blocks = check_blocks(value)
    except Refused:
        return
    assert len({block["block_id"] for block in blocks}) == len(blocks)


def test_missing_ids_are_given_and_given_ones_kept() -> None:
    unnamed = {"type": "button", "text": text("Go")}
    section = {"type": "section", "block_id": "mine", "text": text("x", "mrkdwn"), "accessory": unnamed}
    actions, kept = check_blocks([{"type": "actions", "elements": [button()]}, section])
    assert actions["block_id"]
    assert actions["elements"][0]["action_id"] == "go"
    assert kept["block_id"] == "mine"
    assert kept["accessory"]["action_id"]


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({"type": "section", "text": text("x" * 3001, "mrkdwn")}, "/blocks/0/text/text"),
        ({"type": "section"}, "/blocks/0"),
        ({"type": "header", "text": text("x" * 151)}, "/blocks/0/text/text"),
        ({"type": "header", "text": text("x", "mrkdwn")}, "/blocks/0/text"),
        ({"type": "section", "fields": [text("x")] * 11}, "/blocks/0/fields"),
        ({"type": "context", "elements": [text("x")] * 11}, "/blocks/0/elements"),
        (
            {"type": "actions", "elements": [button(action_id=str(n)) for n in range(26)]},
            "/blocks/0/elements",
        ),
        (
            {"type": "context_actions", "elements": [button(action_id=str(n)) for n in range(6)]},
            "/blocks/0/elements",
        ),
        ({"type": "actions", "elements": [button(), button()]}, "/blocks/0/elements"),
        ({"type": "actions", "elements": [button(text=text("x" * 76))]}, "/blocks/0/elements/0/text/text"),
        ({"type": "actions", "elements": [button(value="x" * 2001)]}, "/blocks/0/elements/0/value"),
        ({"type": "actions", "elements": [button(action_id="x" * 256)]}, "/blocks/0/elements/0/action_id"),
        ({"type": "divider", "block_id": "x" * 256}, "/blocks/0/block_id"),
        ({"type": "image", "image_url": "u"}, "/blocks/0/alt_text"),
        ({"type": "task_card", "task_id": "1", "title": "t", "status": "completed"}, "/blocks/0/status"),
        ({"type": "task_card", "task_id": "1", "title": "t", "details": "plain"}, "/blocks/0/details"),
        ({"type": "table", "rows": [[text("x")] * 21]}, "/blocks/0/rows/0"),
        ({"type": "nonsense"}, "/blocks/0/type"),
    ],
)
def test_what_is_too_much_is_refused_with_its_place(block: dict[str, Any], place: str) -> None:
    refused = refusal(block)
    assert refused.error == "invalid_blocks"
    assert f"[json-pointer:{place}]" in refused.details[0]


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([{"type": "divider"}] * 51, "invalid_blocks"),
        ([{"type": "divider", "block_id": "a"}] * 2, "invalid_blocks"),
        ([{"type": "markdown", "text": "x" * 12_001}], "msg_blocks_too_long"),
        ([{"type": "markdown", "text": "x" * 6_001}] * 2, "msg_blocks_too_long"),
        ([{"type": "section", "text": text("x" * 2_700, "mrkdwn")}] * 5, "msg_blocks_too_long"),
        ([{"type": "plan", "title": "p", "tasks": [{"task_id": "1", "title": "t"}]},
          {"type": "task_card", "task_id": "1", "title": "t"}], "invalid_blocks"),
        ([{"type": "table", "rows": [[text("x")]]}] * 2, "invalid_attachments"),
    ],
)  # fmt: skip
def test_a_message_as_a_whole_has_limits(blocks: list[Any], error: str) -> None:
    assert refusal(*blocks).error == error


def test_what_just_fits_is_taken() -> None:
    assert check_blocks([{"type": "divider"}] * 50)
    assert check_blocks([{"type": "markdown", "text": "x" * 12_000}])
    assert check_blocks([{"type": "section", "text": text("x" * 3_000, "mrkdwn")}] * 4)
    assert check_blocks([{"type": "divider"}] * 100, most=100)
