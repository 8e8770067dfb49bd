"""The content of streams: which chunks are taken, and how a task's card adds up over them."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.slack.arguments import Arguments
from playground.slack.chunks import StreamContent, read_content
from playground.slack.errors import Refused
from playground.slack.messages import Stream, TaskCard

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
CHUNK = st.dictionaries(
    st.sampled_from(["text", "id", "title", "status", "details", "output", "sources", "blocks"]),
    JSON,
    max_size=6,
).flatmap(
    lambda fields: st.sampled_from(["markdown_text", "task_update", "plan_update", "blocks", "x"]).map(
        lambda kind: fields | {"type": kind}
    )
)


def task(**changes: Any) -> dict[str, Any]:
    return {"type": "task_update", "id": "t1", "title": "Read", "status": "in_progress"} | changes


def read(**values: Any) -> StreamContent:
    return read_content(Arguments(values))


@settings(deadline=None)
@given(st.lists(CHUNK, max_size=4) | JSON, JSON)
def test_any_json_is_taken_or_refused(chunks: Any, text: Any) -> None:
    for values in ({"chunks": chunks}, {"chunks": chunks, "markdown_text": text}):
        with contextlib.suppress(Refused):
            assert read(**values).form in ("", "text", "chunks")


def test_chunks_are_read_in_order_and_joined() -> None:
    content = read(chunks=[
        {"type": "plan_update", "title": "Plan"}, {"type": "markdown_text", "text": "a"},
        task(details="d", output="o", sources=[{"type": "url", "url": "https://e.org", "text": "E"}]),
        {"type": "markdown_text", "text": "b"}, {"type": "blocks", "blocks": [{"type": "divider"}]},
    ])  # fmt: skip
    assert (content.form, content.markdown, content.title) == ("chunks", "ab", "Plan")
    assert content.rows[0].sources[0]["text"] == "E"
    assert content.blocks[0]["type"] == "divider"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"chunks": [task()], "markdown_text": "x"}, "cannot_provide_both_markdown_text_and_chunks"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"chunks": [{"type": "markdown_text", "text": "x" * 12_001}]}, "msg_too_long"),
        ({"chunks": [task(title="x" * 257)]}, "invalid_chunks"),
        ({"chunks": [task(details="x" * 257)]}, "invalid_chunks"),
        ({"chunks": [task(output="x" * 257)]}, "invalid_chunks"),
        ({"chunks": [{"type": "plan_update", "title": "x" * 257}]}, "invalid_chunks"),
        ({"chunks": [task(status="completed")]}, "invalid_chunks"),
        ({"chunks": [task(sources=[{"type": "url", "url": "https://e.org"}])]}, "invalid_chunks"),
        ({"chunks": [{"type": "blocks", "blocks": [{"type": "divider"}] * 51}]}, "invalid_blocks"),
        ({"chunks": "{"}, "invalid_chunks"),
    ],
)
def test_what_slack_refuses_is_refused(values: dict[str, Any], error: str) -> None:
    with pytest.raises(Refused) as caught:
        read(**values)
    assert caught.value.error == error


def test_the_limits_themselves_fit() -> None:
    row = read(chunks=[task(title="x" * 256, details="y" * 256, output="z" * 256)]).rows[0]
    assert len(row.title + row.details + row.output) == 768
    assert read(markdown_text="x" * 12_000).form == "text"


def test_title_and_status_are_replaced_and_the_texts_add_up() -> None:
    stream = Stream().with_row(TaskCard("t1", "Read", "in_progress", "loading", sources=({"url": "a"},)))
    stream = stream.with_row(TaskCard("t2", "Plot", "pending")).with_row(
        TaskCard("t1", "Read it", "complete", " parsing", "ok")
    )
    assert [row.id for row in stream.rows] == ["t1", "t2"]
    assert stream.rows[0] == TaskCard("t1", "Read it", "complete", "loading parsing", "ok", ({"url": "a"},))
