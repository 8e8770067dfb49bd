"""What is said of a task's end, and the names of the files that come with it."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from bot.thread import texts
from bot.thread.answer import RenderedAnswer, render
from bot.thread.tables import MOST_COLUMNS, MOST_ROWS, text_blocks
from playground.slack.blocks import check_blocks
from sandbox.files import SandboxFile
from tasks.message import ThreadAddress
from tasks.task import Outcome, OutputFile, Spent, State, Task

TASK = Task(
    id="t1", thread=ThreadAddress("T1", "C1", "1.1"), message_ts="1.1", user="U1", user_name="ada",
    request="write", files=(), state=State.RUNNING, attempt=1, created_at=0.0,
)  # fmt: skip
LONG = "\n\n".join(f"Paragraph {n}. " + "word " * 400 for n in range(40))


def test_a_long_answer_takes_no_name_of_a_file_that_was_made() -> None:
    made = [OutputFile(path=path, data=SandboxFile.of(b"x")) for path in ("answer.md", "answer 2.md")]
    outcome = Outcome(state=State.ANSWERED, text=LONG, files=made)
    telling = render(TASK, outcome)

    assert [file.path for file in telling.files] == ["answer 3.md"]
    assert "is in answer 3.md" in telling.messages[0].markdown
    alone = render(TASK, replace(outcome, files=())).files
    assert [file.path for file in alone] == ["answer.md"]


@pytest.mark.parametrize(("rows", "columns"), [(500, 3), (5, 30), (101, 1)])
def test_a_table_too_big_for_slack_shows_its_beginning_and_comes_as_a_file(rows: int, columns: int) -> None:
    lines = [[f"r{row}c{column}" for column in range(columns)] for row in range(rows)]
    drawn = ["| " + " | ".join(line) + " |" for line in lines]
    table = "\n".join([drawn[0], "|" + "---|" * columns, *drawn[1:]])
    outcome = Outcome(state=State.ANSWERED, text=f"Look:\n\n{table}\n\nThat is all.")
    made = [OutputFile(path="table.csv", data=SandboxFile.of(b""))]
    rendered = render(TASK, replace(outcome, files=made))

    (file,) = rendered.files
    assert file.path == "table 2.csv"
    assert list(csv.reader(file.data.read().decode().splitlines())) == lines
    (message,) = rendered.messages
    shown = [line for line in message.markdown.splitlines() if line.startswith("|")]
    assert len(shown) - 1 <= MOST_ROWS
    assert all(line.count("|") - 1 <= MOST_COLUMNS for line in shown)
    assert message.markdown.startswith("Look:\n\n| r0c0 |")
    assert message.markdown.endswith("That is all.")
    assert texts.full_table("table 2.csv", rows - 1, columns) in message.markdown


def _table(rows: int, *cells: str) -> str:
    lines = [f"| {' | '.join(cells)} |".replace("N", str(n)) for n in range(rows)]
    return "\n".join(["| Name | Count | Note |", "|---|---:|---|", *lines])


def test_a_long_table_is_one_of_slack_and_a_csv_file() -> None:
    drawn = _table(11, "Item **N**", "1,00N.50", "a \\| b")
    text = f"Look:\n\n{drawn}\n\nThat is all."
    rendered = render(TASK, Outcome(state=State.ANSWERED, text=text))
    before, table, after, *_ = rendered.messages[0].blocks
    assert (before["text"], after["text"]) == ("Look:", "That is all.")
    assert (table["type"], table["caption"], len(table["rows"])) == ("data_table", "Name, Count, Note", 12)
    assert table["rows"][2] == [
        {"type": "raw_text", "text": "Item 1"},
        {"type": "raw_number", "value": 1001.5, "text": "1,001.50"},
        {"type": "raw_text", "text": "a | b"},
    ]
    (file,) = rendered.files
    assert file.path == "table.csv"
    assert len(file.data.read().decode().splitlines()) == 12
    check_blocks(rendered.messages[0].blocks)


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(_table(10, "Item N", "N", ""), id="short"),
        pytest.param(_table(11, "[Item](https://example.com)", "N", ""), id="links"),
        pytest.param(_table(90, "x" * 150, "N", ""), id="more than 10,000 characters"),
        pytest.param(_table(11, "Item N", "N", "") + "\n| one cell |", id="uneven"),
    ],
)
def test_other_tables_stay_markdown(table: str) -> None:
    assert {block["type"] for block in text_blocks(table)} == {"markdown"}


def test_an_empty_cell_has_a_character() -> None:
    (table, *_) = render(TASK, Outcome(state=State.ANSWERED, text=_table(11, "a", "", ""))).messages[0].blocks
    assert table["rows"][1][1] == {"type": "raw_text", "text": "–"}
    check_blocks([table])


def test_code_in_a_file_of_the_whole_answer_is_byte_for_byte() -> None:
    text = "Call `<@U1>` and tell @here.\n\n" + "word " * 20_000
    (file,) = render(TASK, Outcome(state=State.ANSWERED, text=text)).files

    assert file.data.read().decode() == text


def test_a_long_answer_shows_what_follows_by_its_headings_and_not_by_comments_in_code() -> None:
    code = "```python\n" + "# load the data\nload()\n" * 2_000 + "```"
    outcome = Outcome(state=State.ANSWERED, text=f"Here it is:\n\n{code}\n\n## How to run it\n\nLike so.")
    (summary,) = render(TASK, outcome).messages
    contents = summary.markdown.partition("**Further on:**\n")[2]
    assert contents.startswith("- How to run it\n\n_The full answer")


def test_an_answer_is_a_file_from_6_000_characters_on_and_its_beginning_ends_with_no_heading() -> None:
    short = "\n\n".join(f"## Part {n}\n\n{'word ' * 60}" for n in range(18)).strip()
    assert len(short) < 6_000
    (message,) = render(TASK, Outcome(state=State.ANSWERED, text=short)).messages
    assert message.markdown == short
    rendered = render(TASK, Outcome(state=State.ANSWERED, text=short + short))
    (message,), (file,) = rendered.messages, rendered.files
    assert file.path == "answer.md"
    beginning = message.markdown.partition("\n\n**Further on:**")[0]
    assert len(beginning) <= 2_000
    assert beginning.split()[-1] == "word"


def test_the_footer_says_the_time_and_more_where_people_want_it() -> None:
    spent = Spent(workers=2, tokens=1200, cost=0.03, seconds=7.42)
    outcome = Outcome(state=State.ANSWERED, text="Done.", spent=spent)
    assert _footer(render(TASK, outcome)) == "7.4 s"
    assert _footer(render(TASK, outcome, shows_usage=True)) == "2 workers · 7.4 s · 1,200 tokens · $0.03"
    hosts = tuple(f"h{number}.example" for number in range(7))
    reaching = Outcome(state=State.ANSWERED, text="Done.", spent=spent, hosts=hosts[:1])
    assert _footer(render(TASK, reaching)) == "7.4 s · reached `h0.example`"
    assert _footer(render(TASK, replace(reaching, hosts=hosts))).endswith("`h4.example` and 2 more")
    broken = Outcome(state=State.FAILED, reason="It broke.")
    assert _footer(render(TASK, broken)) == "Task t1"


def _footer(rendered: RenderedAnswer) -> str:
    (text,) = [
        block["elements"][0]["text"] for block in rendered.messages[-1].below if block["type"] == "context"
    ]
    return str(text)
