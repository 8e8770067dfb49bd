"""Long tables of an answer: as Slack's own tables, with the whole as a CSV file.

Of those that are too big for Slack the first rows stay in the answer.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

from bot.thread import texts
from bot.thread.blocks import Block, markdown_block
from bot.wire.native_blocks import MOST_CHARACTERS, data_table
from bot.wire.text import one_plain_line, tables
from sandbox.files import SandboxFile
from tasks.task import OutputFile

#: What Slack draws of a table, its first line included (docs.slack.dev, table block).
MOST_ROWS, MOST_COLUMNS = 100, 20
#: A table with more lines than this, its first one included, is one to sort and page through.
LONG = 11
#: Marks that a plain cell would lose: links, mentions, pictures, formulas.
_RICH = re.compile(r"\]\(|https?://|<[@#!]")
_CELLS = re.compile(r"(?<!\\)\|")


def shorten_tables(markdown: str, free_name: Callable[[str], str]) -> tuple[str, list[OutputFile]]:
    """The Markdown with each big table cut to size, and all long and big tables whole. `free_name` makes a
    file's name unique."""
    pieces, files, at = list[str](), list[OutputFile](), 0
    for start, end in tables(markdown):
        rows = [_cells(line) for line in markdown[start:end].splitlines()]
        columns = max(map(len, rows))
        is_big = len(rows) - 1 > MOST_ROWS or columns > MOST_COLUMNS
        if not is_big and len(rows) - 1 <= LONG:
            continue
        path = free_name("table.csv" if not files else f"table {len(files) + 1}.csv")
        files.append(OutputFile(path=path, data=SandboxFile.of(_csv([rows[0], *rows[2:]]))))
        if not is_big:
            continue
        shown = [row[:MOST_COLUMNS] for row in rows[: MOST_ROWS + 1]]
        drawn = "\n".join(f"| {' | '.join(row)} |" for row in shown)
        pieces += [markdown[at:start], drawn, "\n\n", texts.full_table(path, len(rows) - 2, columns), "\n"]
        at = end
    return "".join([*pieces, markdown[at:]]), files


def text_blocks(markdown: str) -> list[Block]:
    """The Markdown as blocks, with long tables of plain cells as Slack's own."""
    blocks, at, room = list[Block](), 0, MOST_CHARACTERS
    for start, end in tables(markdown):
        lines = [_cells(line) for line in markdown[start:end].splitlines()]
        rows = [lines[0], *lines[2:]]
        size = sum(len(cell) for row in rows for cell in row)
        is_even = all(len(row) == len(rows[0]) for row in rows) and len(rows[0]) <= MOST_COLUMNS
        if len(rows) <= LONG or not is_even or size > room or _RICH.search(markdown, start, end):
            continue
        room -= size
        blocks += [markdown_block(before)] if (before := markdown[at:start].strip()) else []
        blocks.append(
            data_table([[one_plain_line(cell.replace("\\|", "|")) for cell in row] for row in rows])
        )
        at = end
    return blocks + ([markdown_block(rest)] if (rest := markdown[at:].strip("\n")) or not blocks else [])


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip() for cell in _CELLS.split(inner)]


def _csv(rows: list[list[str]]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([cell.replace("\\|", "|") for cell in row] for row in rows)
    return file.getvalue().encode()
