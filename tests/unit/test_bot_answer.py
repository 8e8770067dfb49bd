"""What is said of a task's end, and the names of the files that come with it."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from bot.thread import texts
from bot.thread.answer import render
from bot.thread.tables import MOST_COLUMNS, MOST_ROWS
from sandbox.files import SandboxFile
from tasks.message import ThreadAddress
from tasks.task import Outcome, OutputFile, State, Task

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
