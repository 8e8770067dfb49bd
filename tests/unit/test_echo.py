"""A model service that repeats the prompt in its error: people's words stay out of the log."""

from __future__ import annotations

import json

from text.echo import REMOVED, without_echo

SECRET = 'Please summarize:\nMei is "let go" in March, and nobody knows it yet. Keep it short.'


def test_passages_of_the_request_are_removed_and_the_services_own_words_stay() -> None:
    request = json.dumps({"messages": [{"role": "user", "content": SECRET}]})
    words = without_echo(f"400 invalid_request: can't read message 1: {SECRET} (see the docs)", request)
    assert words.startswith("400 invalid_request: can't read message 1")
    assert words.endswith("(see the docs)")
    assert REMOVED in words
    assert "Mei" not in words
    assert "March" not in words


def test_words_that_repeat_nothing_stay() -> None:
    assert without_echo("429 rate limit, retry in 20s", SECRET) == "429 rate limit, retry in 20s"
    assert without_echo("", "") == ""
