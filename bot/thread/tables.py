"""Tables that are too big for Slack: their first rows stay in the answer, the whole becomes a CSV file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

from bot.thread import texts
from bot.wire.text import tables
from sandbox.files import SandboxFile
from tasks.task import OutputFile

#: What Slack draws of a table, its first line included (docs.slack.dev, table block).
MOST_ROWS, MOST_COLUMNS = 100, 20
_CELLS = re.compile(r"(?<!\\)\|")


def shorten_tables(markdown: str, free_name: Callable[[str], str]) -> tuple[str, list[OutputFile]]:
    """The Markdown with each big table cut to size, and the whole tables. `free_name` makes a file's name
    unique."""
    pieces, files, at = list[str](), list[OutputFile](), 0
    for start, end in tables(markdown):
        rows = [_cells(line) for line in markdown[start:end].splitlines()]
        columns = max(map(len, rows))
        if len(rows) - 1 <= MOST_ROWS and columns <= MOST_COLUMNS:
            continue
        path = free_name("table.csv" if not files else f"table {len(files) + 1}.csv")
        files.append(OutputFile(path=path, data=SandboxFile.of(_csv([rows[0], *rows[2:]]))))
        shown = [row[:MOST_COLUMNS] for row in rows[: MOST_ROWS + 1]]
        drawn = "\n".join(f"| {' | '.join(row)} |" for row in shown)
        pieces += [markdown[at:start], drawn, "\n\n", texts.full_table(path, len(rows) - 2, columns), "\n"]
        at = end
    return "".join([*pieces, markdown[at:]]), files


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip() for cell in _CELLS.split(inner)]


def _csv(rows: list[list[str]]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([cell.replace("\\|", "|") for cell in row] for row in rows)
    return file.getvalue().encode()
