"""The rules that keep the playground's page safe and readable, checked on its sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "playground" / "page"
SOURCES = sorted(path for path in PAGE.iterdir() if path.suffix in (".js", ".css", ".html", ".svg"))
LONGEST = 300
UNSAFE = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|<script>|style="
)
ELSEWHERE = re.compile(r"(?:from|import|url\(|src=|href=)\s*[\"'(]?\s*(?:https?:)?//")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_markup_from_text_and_nothing_from_elsewhere(path: Path) -> None:
    source = re.sub(r"(?m)^\s*(?://|\*|/\*).*$", "", path.read_text())
    assert not UNSAFE.findall(source)
    assert not ELSEWHERE.findall(source)


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.suffix in (".js", ".css")], ids=lambda path: path.name
)
def test_a_module_is_short_and_begins_with_a_comment_that_says_what_it_is(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert re.match(r"(?://|/\*) \w.+[.:,]", lines[0])
    assert len(lines) <= LONGEST


def test_the_rules_see_what_they_forbid() -> None:
    assert UNSAFE.search("el.innerHTML = text")
    assert ELSEWHERE.search('@import url("https://example.com/a.css")')
    assert ELSEWHERE.search("import x from '//example.com/x.js'")
