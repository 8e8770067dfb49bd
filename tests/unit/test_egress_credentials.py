"""Credentials of programs' requests: from the tools file to the mask over their echo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.factories.egress import HostSettings, load_host_settings
from bot.settings import Settings
from sandbox.egress.masking import Masker

SECRET = 'se"cr/et +ä-of-the-api'


def test_the_tools_file_gives_a_host_its_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "key-of-the-api")
    hosts = {
        "API.example.com": {"headers": {"Authorization": "Bearer ${API_KEY}"}, "ask_first": True},
        "10.0.0.5:8443": {"headers": {"X-Key": "${API_KEY}", "X-Team": "sales"}},
        "10.0.0.9:8080": {"ask_first": True},
    }
    (tmp_path / "tools.json").write_text(json.dumps({"hosts": hosts}))
    read = load_host_settings(Settings(tools_file=tmp_path / "tools.json"))
    found = read.credentials
    assert list(found) == [("api.example.com", 443), ("10.0.0.5", 8443)]
    assert found["api.example.com", 443].headers == {"Authorization": "Bearer key-of-the-api"}
    assert found["api.example.com", 443].secrets == ("Bearer key-of-the-api", "key-of-the-api")
    assert read.asks == {"api.example.com", "10.0.0.9"}
    assert load_host_settings(Settings()) == HostSettings()


@pytest.mark.parametrize(
    "echo",
    [SECRET, json.dumps(SECRET), "se%22cr%2Fet%20%2B%C3%A4-of-the-api", "se%22cr/et%20%2B%C3%A4-of-the-api",
     "se%22cr%2Fet+%2B%C3%A4-of-the-api"],
)  # fmt: skip
def test_a_secret_is_masked_in_each_spelling(echo: str) -> None:
    masked = Masker([SECRET]).mask(f"<{echo}>".encode())
    assert len(masked) == len(f"<{echo}>".encode())
    assert b"of-the-api" not in masked


@given(st.lists(st.sampled_from([b"abcdef", b"abc", b"def", b"xy", b"", b"ab"]), max_size=20))
def test_pieces_are_masked_as_the_whole_is(pieces: list[bytes]) -> None:
    masker = Masker(["abcdef"])
    whole = b"".join([*map(masker.feed, pieces), masker.rest()])
    assert whole == b"".join(pieces).replace(b"abcdef", b"******")


def test_a_short_value_masks_nothing() -> None:
    assert Masker(["abc", ""]).mask(b"abc") == b"abc"
