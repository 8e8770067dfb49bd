"""The files made from the settings class say what it says."""

from __future__ import annotations

from io import StringIO

from dotenv import dotenv_values

from bot.settings import Settings, variable
from scripts.settings_docs import env_example, settings_page
from scripts.steps import ROOT

STALE = "run `make format`, which rewrites it"


def test_the_example_is_current() -> None:
    assert (ROOT / ".env.example").read_text() == env_example(), STALE


def test_the_page_is_current() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_page(), STALE


def test_the_example_sets_nothing_and_names_every_variable() -> None:
    assert dotenv_values(stream=StringIO(env_example())) == {}
    assert [name for name in Settings.model_fields if f"\n#{variable(name)}=" not in env_example()] == []


def test_uncommented_it_gives_the_defaults() -> None:
    lines = (line.removeprefix("#") for line in env_example().splitlines() if not line.startswith("# "))
    given = {name: value or "" for name, value in dotenv_values(stream=StringIO("\n".join(lines))).items()}
    environ = {"HOME": "/home/ada"}
    assert Settings.load({**environ, **given}) == Settings.load(environ)
