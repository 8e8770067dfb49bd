"""The frames between host and supervisor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.image.supervisor import frames


@given(st.text(max_size=200), st.binary(max_size=500))
def test_a_file_frame_comes_back_as_it_was(name: str, content: bytes) -> None:
    raw = frames.frame(frames.FILE, frames.named(name, content))
    kind, length = frames.header(raw)
    assert (kind, length) == (frames.FILE, len(raw) - frames.HEADER)
    assert frames.parse_named(raw[frames.HEADER :]) == (name, content)


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\5abc"])
def test_a_broken_file_frame_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="shorter"):
        frames.parse_named(payload)


@pytest.mark.parametrize("payload", [b"", b"[]", b"3", b"{", b"\xff"])
def test_a_record_that_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        frames.parse_packed(payload)
