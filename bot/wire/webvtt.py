"""Reads WebVTT (w3.org/TR/webvtt1), in which Slack serves the whole transcript of a clip, as plain text."""

from __future__ import annotations

import html
import re

_BLOCK = re.compile(r"\n{2,}")
_VOICE = re.compile(r"<v(?:\.[^ \t>]*)?[ \t]+([^>]*)>")
_TAG = re.compile(r"<[^>]*>")


def text_of(data: bytes) -> str:
    """What is said: a line for each speaker's turn, or one line where no speaker is named. Empty for what is
    not WebVTT."""
    found = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    if not found.startswith("WEBVTT"):
        return ""
    said, last = list[str](), ""
    for block in _BLOCK.split(found):
        _, arrow, cue = block.partition("-->")  # notes and styles have none
        cue = cue.partition("\n")[2]
        voice = _VOICE.search(cue)
        speaker = _one_line(voice[1]) if voice else last
        words = _one_line(_TAG.sub("", cue))
        if not (arrow and words):
            continue
        if said and speaker == last:
            said[-1] += f" {words}"
        else:
            said.append(f"{speaker}: {words}" if speaker else words)
        last = speaker
    return "\n".join(said)


def _one_line(text: str) -> str:
    return " ".join(html.unescape(text).split())
