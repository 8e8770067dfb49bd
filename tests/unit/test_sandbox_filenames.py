"""File names made safe, for any name a program or a person can think of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import FileRefused
from sandbox.filenames import PART_BYTES, PATH_BYTES, clean, is_clean, unique


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("plot.png", "plot.png"),
        ("data/2026/a b.csv", "data/2026/a b.csv"),
        ("../../etc/passwd", "etc/passwd"),
        ("/root/.ssh/id", "root/.ssh/id"),
        ("a//./b/../c", "a/b/c"),
        ("new\nline\x00.txt", "new_line_.txt"),
        ("c:\\windows\\x", "c:_windows_x"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("half\udce9", "half_"),
        ("...", None),
        ("", None),
        ("/", None),
        ("/".join("a" * 40), None),
    ],
)
def test_a_name_is_made_safe_or_refused(name: str, safe: str | None) -> None:
    if safe is None:
        with pytest.raises(FileRefused, match="/work"):
            clean(name)
    else:
        assert clean(name) == safe


def test_a_long_name_keeps_its_suffix() -> None:
    short = clean("ä" * 300 + ".png")
    assert short.endswith("ä.png")
    assert PART_BYTES - 1 <= len(short.encode()) <= PART_BYTES


@given(st.text(max_size=300))
def test_a_safe_name_stays_inside_and_stays_as_it_is(name: str) -> None:
    try:
        safe = clean(name)
    except FileRefused:
        return
    assert is_clean(safe)
    assert not safe.startswith("/")
    assert not {"", ".", ".."} & set(safe.split("/"))
    assert len(safe.encode()) <= PATH_BYTES
    assert "\0" not in safe
    assert "\n" not in safe


def test_a_taken_name_gets_a_number() -> None:
    assert unique("a.txt", {"b.txt"}) == "a.txt"
    assert unique("d/a.txt", {"d/a.txt", "d/a-2.txt"}) == "d/a-3.txt"
    assert unique("Makefile", {"Makefile"}) == "Makefile-2"
    assert unique(".env", {".env"}) == ".env-2"
