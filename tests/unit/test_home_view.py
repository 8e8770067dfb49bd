"""What the Home's view holds of a picture that is too long for it."""

from __future__ import annotations

import pytest

from bot.controls.home import TIMELINE_LINES, HomeContent, view
from bot.settings.settings import Settings


@pytest.mark.parametrize("line", ["a" * 100, "&" * 100, "<" * 150])
def test_a_picture_fits_into_its_section_whatever_it_is_of(line: str) -> None:
    shown = HomeContent(
        running=(), recent=(), tokens_day=0, tokens_week=0, cost_day=0.0, cost_week=0.0, timeline=[line] * 40
    )
    texts = [
        block["text"]["text"] for block in view(shown, Settings())["blocks"] if block["type"] == "section"
    ]
    (drawn,) = (text for text in texts if "```" in text)

    assert len(drawn) <= 3000  # docs.slack.dev, section block
    lines = drawn.split("```")[1].splitlines()
    assert 3 < len(lines) <= TIMELINE_LINES
    assert len(set(lines)) == 1, "each line is whole"
