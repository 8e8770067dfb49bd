"""Captions of clips, read as plain text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.wire.webvtt import text_of

SPOKEN = """\ufeffWEBVTT - clip

NOTE made by Slack

STYLE
::cue { color: red }

1
00:00:00.000 --> 00:00:02.500 align:start
<v Ada Okafor>The budget is <b>48,000</b>,</v>

00:00:02.500 --> 00:00:04.000
<v Ada Okafor>not 40,000
euros &amp; cents.

00:00:04.000 --> 00:00:05.000
<v.loud Mei>Agreed &lt;3</v>

00:00:05.000 --> 00:00:06.000

"""


def test_a_line_is_what_one_speaker_says() -> None:
    said = "Ada Okafor: The budget is 48,000, not 40,000 euros & cents.\nMei: Agreed <3"

    assert text_of(SPOKEN.encode()) == said
    assert text_of(SPOKEN.replace("\n", "\r\n").encode()) == said


def test_without_speakers_it_is_one_line_however_long() -> None:
    cues = "\n\n".join(f"00:{n // 60:02}:{n % 60:02}.000 --> 01:00:00.000\nword {n}" for n in range(3600))

    assert text_of(f"WEBVTT\n\n{cues}".encode()) == " ".join(f"word {n}" for n in range(3600))


def test_what_is_no_captions_says_nothing() -> None:
    assert text_of(b"<html>Sign in --> here</html>") == ""
    assert text_of(b"") == ""


@given(st.binary(max_size=200) | st.text("WEBVT\n -->v<&;", max_size=80).map(str.encode))
def test_any_bytes_are_read(data: bytes) -> None:
    assert "\n\n" not in text_of(b"WEBVTT\n\n0 --> 1\n" + data)
    assert text_of(b" " + data) == ""
