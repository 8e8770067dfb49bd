"""The text of a proposed note: a person sees all of it, in one line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.tools.remembering import note_text


@given(st.text())
def test_a_proposed_note_is_one_line_that_can_be_read(text: str) -> None:
    note = note_text(text)
    assert note.isprintable()
    assert note_text(note) == " ".join(note.split())


def test_nothing_is_hidden_in_it() -> None:
    assert note_text("Weeks start\n]\non \u202eSunday\u200b\U000e0041 ") == "Weeks start ] on Sunday"
