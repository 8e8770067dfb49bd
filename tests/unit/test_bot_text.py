"""What people typed made plain, and what models wrote made harmless and cut to size."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.thread.answer import duration
from bot.thread.draft import presentable
from bot.wire.entities import RawNames, plain_text
from bot.wire.text import (
    BLOCK_LIMIT,
    MESSAGE_LIMIT,
    escape,
    headings,
    one_plain_line,
    silence_mentions,
    split_markdown,
    table_at,
    truncate,
)

TABLE = "| a | b |\n|---|---|\n| 1 | 2 |\n"
MARKDOWN = st.text(st.sampled_from("ab -\n@<!#*_[]()é").map(str), max_size=400) | st.lists(
    st.sampled_from(["word ", "\n", "\n\n", "\n```\n", "\n```py\n", "@channel ", "<@U1> ", "\n" + TABLE]),
    max_size=60,
).map("".join)


@given(MARKDOWN)
def test_nothing_a_model_writes_pings(text: str) -> None:
    prose = text.replace("`", "")
    silent = silence_mentions(prose)

    assert not re.search(r"<@[A-Z]", silent)
    assert not re.search(r"(?<![\w.+/@-])@(channel|here|everyone)(?![/.:-]?\w)", silent)
    assert silent.replace("\u200b", "") == prose
    assert silence_mentions(text).replace("\u200b", "") == text


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html>",
        "write to support@here.com, admin@channel.io or see @here/maps-api",
        'use `{"b": "<@U123>"}` or ``a ` <!here>``',
        "```html\n<!channel> <@U123> @everyone\n```",
        "~~~\n@here\n~~~\n",
        "see <#C123> and a < b @ c",
    ],
)
def test_what_notifies_no_one_stays_byte_for_byte(text: str) -> None:
    assert silence_mentions(text) == text


@pytest.mark.parametrize(
    ("text", "silent"),
    [
        ("<!channel> <!here|x> <@U123> <!subteam^S1>", "<|!channel> <|!here|x> <|@U123> <|!subteam^S1>"),
        ("@here. (@channel) @everyone!", "@|here. (@|channel) @|everyone!"),
        ("大家好@here大家好", "大家好@|here大家好"),
        ("```\n@here\n```\n@here", "```\n@here\n```\n@|here"),
        ("a ` b\n\n` @here", "a ` b\n\n` @|here"),
    ],
)
def test_what_notifies_people_is_silenced(text: str, silent: str) -> None:
    assert silence_mentions(text) == silent.replace("|!", "\u200b!").replace("|@", "\u200b@").replace(
        "@|", "@\u200b"
    )


@pytest.mark.parametrize("letters", ["这是一个很长的段落。", "これは長い段落です。", "นี่คือย่อหน้ายาว"])
def test_a_script_without_spaces_is_streamed_and_cut_like_others(letters: str) -> None:
    text = letters * 2_000

    assert len(presentable(letters * 100)) == len(letters) * 100
    pieces = split_markdown(text)
    assert "".join(pieces) == text
    assert all(len(piece) <= MESSAGE_LIMIT for piece in pieces)
    if "。" in letters:
        assert all(piece.endswith("。") for piece in pieces)


def test_a_message_has_no_more_blocks_than_slack_takes() -> None:
    items = [f"## Heading {n}\n\nText {n}." for n in range(100)]
    pieces = split_markdown("\n\n".join(items))

    assert "\n\n".join(pieces) == "\n\n".join(items)
    assert all(len(re.findall(r"^\S", piece, re.MULTILINE)) <= BLOCK_LIMIT for piece in pieces)
    code = "```\n" + "\n\n# a\n" * 500 + "```"
    assert split_markdown(code) == [code]


def test_a_notification_shows_plain_words() -> None:
    text = "## Sales\n\n**North** is [up](https://e.com):\n\n| a | b |\n|---|---|\n| 1 | `2` |\n"

    assert one_plain_line(text) == "Sales North is up: a, b; 1, 2;"


@given(MARKDOWN, st.integers(40, 200))
def test_parts_lose_nothing_but_the_space_they_are_cut_at(text: str, limit: int) -> None:
    cut = split_markdown(text, limit)

    assert all(len(part) <= limit for part in cut)

    def letters(markdown: str) -> str:
        # The first line of a table that is cut comes again, as a fence does.
        return re.sub(r"\s|```\w*", "", markdown).replace("|a|b||---|---|", "")

    assert letters("\n".join(cut)) == letters(text)


def test_a_code_fence_that_is_cut_is_closed_and_opened_again() -> None:
    code = "```python\n" + "\n".join(f"line {n}" for n in range(2000)) + "\n```"
    cut = split_markdown(code)

    assert len(cut) > 1
    assert all(part.startswith("```python\n") and part.endswith("```") for part in cut)
    assert all(len(part) <= MESSAGE_LIMIT for part in cut)


@given(MARKDOWN)
def test_what_is_streamed_is_never_taken_back(text: str) -> None:
    shown = ""
    for end in range(len(text) + 1):
        more = presentable(text[:end])
        assert more.startswith(shown)
        shown = more
    assert silence_mentions(text.lstrip()).startswith(shown)


def test_a_table_is_not_streamed_row_by_row() -> None:
    text = "Here it is:\n\n" + TABLE + "\nand so on and on"

    assert presentable(text) == "Here it is:"
    assert text[table_at(text) :].startswith("| a | b |")
    assert table_at("```\n" + TABLE + "```\n") == len(TABLE) + 8


@pytest.mark.parametrize("line", ["```one line```\n\n", "````\n```\n````\n\n", "~~~\n```\n~~~\n\n"])
def test_a_fence_is_what_markdown_takes_for_one(line: str) -> None:
    assert table_at(line + TABLE) == len(line)
    cut = split_markdown(line + "word " * 50, 100)

    assert not any(part.endswith("\n```") for part in cut[1:])


def test_a_table_that_is_cut_is_one_in_each_part_and_keeps_every_row_once() -> None:
    head, rows = "| Nr | Name |\n|---:|------|\n", [f"| {n} | Müller & Co. {n} |\n" for n in range(60)]
    cut = split_markdown(f"All of them:\n\n{head}{''.join(rows)}\nThat is all.", 300)
    assert len(cut) > 4
    assert all(piece.startswith(head) for piece in cut[1:-1])
    assert all(len(piece) <= 300 for piece in cut)
    assert [line for piece in cut for line in piece.splitlines() if "Müller" in line] == [
        row.strip() for row in rows
    ]


def test_nothing_is_repeated_of_a_table_that_has_ended_or_stands_in_code() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n"
    assert all(table[:9] not in piece for piece in split_markdown(table + "\n" + "word " * 60, 100)[1:])
    fenced = split_markdown("```\n" + table * 12 + "```", 120)
    assert "".join(piece.replace("```\n", "") for piece in fenced).count("| 1 | 2 |") == 12
    assert all(piece.startswith("```\n") for piece in fenced)
    wide = "|" + "x" * 60 + "|y|\n|---|---|\n"
    assert sum(wide[:62] in piece for piece in split_markdown(wide + "| 1 | 2 |\n" * 30, 100)) == 1


def test_comments_in_code_are_no_headings() -> None:
    text = "# One\n\n```py\n# not this\n```\n\n## Two  \n#### four\n#tag\n"
    assert list(headings(text)) == ["One", "Two"]
    assert list(headings(text, 3)) == ["Two"]


def test_a_long_fence_that_is_cut_is_closed_as_it_was_opened() -> None:
    cut = split_markdown("````md\n```py\n" + "line of code\n" * 20 + "```\n````", 120)

    assert all(part.startswith("````md\n") and part.endswith("\n````") for part in cut)


@given(st.builds(lambda part, times: part * times, st.text(max_size=40), st.integers(0, 200)))
def test_a_brief_text_fits_into_an_edit(text: str) -> None:
    assert len(truncate(text).encode()) <= 3600
    assert not re.search(r"&(?!amp;|lt;|gt;)", truncate(text))
    if len(escape(text).encode()) <= 3500:
        assert truncate(text) == escape(text)


def test_rows_show_words_and_not_marks() -> None:
    assert one_plain_line("```\nHello, World!\n```") == "Hello, World!"
    assert one_plain_line("**Done**: see [the plot](x.png)\n\n- one\n- `two`") == "Done: see the plot one two"
    assert one_plain_line("2 * 3 * 4 and a_b_c") == "2 * 3 * 4 and a_b_c"
    assert "@channel" not in one_plain_line("@channel look")


@pytest.mark.parametrize(
    "repeated", ["\n", " \n", "[", "![a", "[a](", "**a ", "__a ", "**a `b ", "`", "<https://", "<@U1|"]
)
def test_a_long_text_of_marks_does_not_take_for_ever(repeated: str) -> None:
    """With a pattern that looks at the rest of the text from each mark on, this takes hours."""
    text = "The plan " + repeated * 400_000
    assert one_plain_line(text).startswith("The plan")
    assert plain_text(text, RawNames()).startswith("The plan")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (7.44, "7.4 s"),
        (200, "3 min 20 s"),
        (3599, "59 min 59 s"),
        (18_600, "5 h 10 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_a_time_is_reported_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize("title", ["## Costs", "#### Costs", "**Costs**", "# All\n\n## Costs"])
def test_a_title_stays_with_its_text(title: str) -> None:
    text = f"{'word ' * 60}\n\n{title}\n\n{'cost ' * 60}"
    first, second, *_ = split_markdown(text, 360)
    assert first.split() == ["word"] * 60
    assert second.startswith(title)


def test_a_title_alone_and_a_comment_in_code_are_cut_as_they_are() -> None:
    assert split_markdown("# " + "word " * 100, 200)[0].startswith("# word")
    code = "```\n" + "# a comment\n" * 40 + "```"
    assert sum(piece.count("# a comment") for piece in split_markdown(code, 200)) == 40
