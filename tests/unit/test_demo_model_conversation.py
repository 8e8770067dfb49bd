"""Reading requests and messages: any JSON is either read or refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.demo_model.conversation import BadRequest, CallEntry, MessageEntry, read
from playground.demo_model.message import read_all
from playground.demo_model.server import next_turn
from playground.demo_model.worker import outcome

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FUNCTION = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["create_worker", "plan", "execute_python_code", "report", "ask_user"])
        | JSON,
        "arguments": st.text(max_size=20) | JSON,
        "parameters": JSON | st.fixed_dictionaries({"properties": JSON}),
    },
)
CALL = st.fixed_dictionaries(
    {}, optional={"id": st.sampled_from(["c1", "c2"]) | JSON, "function": FUNCTION | JSON}
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool"]) | JSON},
    optional={
        "content": st.text(max_size=40) | JSON,
        "tool_calls": st.lists(CALL, max_size=2) | JSON,
        "tool_call_id": st.sampled_from(["c1", "c2"]) | JSON,
    },
)
BODY = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE, max_size=5) | JSON},
    optional={"tools": st.lists(st.fixed_dictionaries({"function": FUNCTION | JSON}), max_size=3) | JSON},
)


@given(BODY | JSON)
def test_any_json_is_answered_or_refused_with_a_sentence(body: Any) -> None:
    try:
        reply = next_turn(read(body))
    except BadRequest as refused:
        sentence = str(refused)
    else:
        sentence = reply.text or "(a call)" * len(reply.calls)
    assert sentence


def test_a_call_has_the_result_with_its_id_whatever_the_order() -> None:
    def call(number: int) -> dict[str, Any]:
        return {"id": f"c{number}", "function": {"name": f"tool{number}", "arguments": f'{{"n": {number}}}'}}

    found = read(
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "go"}, {"type": "image_url"}]},
                {"role": "assistant", "content": "on it", "tool_calls": [call(1), call(2)]},
                {"role": "tool", "tool_call_id": "c2", "content": "two"},
                {"role": "tool", "tool_call_id": "c1", "content": "one"},
            ]
        }
    )
    assert found.entries == (
        MessageEntry(True, "go", "go"),
        CallEntry("tool1", {"n": 1}, "one"),
        CallEntry("tool2", {"n": 2}, "two"),
    )


def test_a_message_is_told_apart_into_words_and_files() -> None:
    first, second = read_all(
        [
            "Ada: use data.csv\n\n[Asked on Monday.]\n[Attached file: /work/b c.xlsx, 9,120 bytes]\n"
            "[The attached file d.csv could not be fetched: gone]\n[Files in /work: a.txt, b c.xlsx]",
            "Mei Tanaka: <@U0HANDOFF> note: faster\n[Attached file: /work/e.csv, 3 bytes]",
        ]
    )
    assert (first.words, first.files) == ("use data.csv", ("a.txt", "b c.xlsx", "data.csv"))
    assert (second.words, second.files) == ("note: faster", ("e.csv",))


def test_material_is_no_request() -> None:
    said = "[What people and apps wrote in the thread, oldest first.]\nMei: run hello world"
    reported = "[For this answer the workers had reported:\nHello (done): Hello, World!\n]"

    assert [message.words for message in read_all([said, reported])] == ["", ""]


def test_a_message_in_another_form_is_all_words() -> None:
    (message,) = read_all(["Run this: print(1)\n[not a note]"])
    assert message.words == "Run this: print(1)\n[not a note]"


@pytest.mark.parametrize(
    ("result", "ok", "printed", "error", "files"),
    [
        ("[ok, exit code 0, 1 s]\nstdout:\na\nfiles: /work/x.png, y.md", True, "a", "", ("x.png", "y.md")),
        ("[ok, exit code 0, 1 s]\nstdout: (nothing was printed)", True, "", "", ()),
        ("[error, exit code 1, 0.1 s]\nIt ended.\nstdout:\na\nstderr:\nE: x", False, "a", "E: x", ()),
        ("[oom, 3.00 s]\nToo much memory.\nstdout:\na\nstderr:\nnoise", False, "a", "Too much memory.", ()),
        ("[timeout", False, "", "[timeout", ()),
        ("Error: there is no tool x.", False, "", "Error: there is no tool x.", ()),
        ("just text", True, "just text", "", ()),
    ],
)  # fmt: skip
def test_a_runs_result_is_read(
    result: str, ok: bool, printed: str, error: str, files: tuple[str, ...]
) -> None:
    found = outcome(result)
    assert (found.ok, found.printed, found.files) == (ok, printed, files)
    assert ok or found.error == error


@given(st.text(alphabet="[ok,]<>/stdouternc: \nfiles.png", max_size=120))
def test_any_result_is_read(result: str) -> None:
    found = outcome(result)
    assert found.ok or found.error
