"""Slack's newer blocks for tables and charts, and what stands for them where a workspace refuses them.

See data-table-block and data-visualization-block in docs.slack.dev/reference/block-kit/blocks. slack_sdk 3.48
has no classes for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from typing import Any

from slack_sdk.errors import SlackApiError

from agents.charts import Chart

DATA_TABLE, DATA_VISUALIZATION = "data_table", "data_visualization"
#: Rows of a page of a table, and the most rows (with the head), columns and characters in all cells.
PAGE_ROWS, MOST_ROWS, MOST_COLUMNS, MOST_CHARACTERS = 10, 101, 20, 10_000
#: What stands in an empty cell: Slack takes none without a character.
EMPTY = "–"
_NEWER = {DATA_TABLE, DATA_VISUALIZATION}
_NUMBER = re.compile(r"[-+]?(?:0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,14})(?:\.\d{1,9})?")
_POINTER = re.compile(r"json-pointer:/blocks/(\d+)")

Block = dict[str, Any]


def data_table(rows: Sequence[Sequence[str]]) -> Block:
    """A table of plain cells; the first row is the head. Numbers are sorted as numbers."""
    head, *body = rows
    return {
        "type": DATA_TABLE,
        "caption": ", ".join(head)[:150] or EMPTY,
        "page_size": PAGE_ROWS,
        "rows": [[_words(cell) for cell in head], *([_cell(cell) for cell in row] for row in body)],
    }


def _words(cell: str) -> Block:
    return {"type": "raw_text", "text": cell or EMPTY}


def _cell(cell: str) -> Block:
    if _NUMBER.fullmatch(cell):
        return {"type": "raw_number", "value": float(cell.replace(",", "")), "text": cell}
    return _words(cell)


def data_visualization(chart: Chart) -> Block:
    """A chart that Slack draws."""
    drawn: Block = {"type": chart.kind}
    series = [
        {"name": name, "data": [_point(*point) for point in zip(chart.labels, values, strict=True)]}
        for name, values in chart.series
    ]
    if chart.kind == "pie":
        drawn["segments"] = series[0]["data"]
    else:
        drawn |= {"series": series, "axis_config": {"categories": list(chart.labels)}}
    return {"type": DATA_VISUALIZATION, "title": chart.title, "chart": drawn}


def _point(label: str, value: float) -> Block:
    return {"label": label, "value": value}


def in_older_form(arguments: dict[str, Any], refused: Set[str]) -> dict[str, Any]:
    """A call's arguments with each refused table as a Markdown table, and without refused charts, whose plot
    is a file of the answer."""
    if not refused or not any(block.get("type") in refused for block in _blocks(arguments)):
        return arguments
    left_out = refused & {DATA_VISUALIZATION}
    kept = [block for block in _blocks(arguments) if block.get("type") not in left_out]
    blocks = [_markdown(b) if b.get("type") in refused else b for b in kept]
    return {**arguments, "json": {**arguments["json"], "blocks": blocks}}


def refused_by(arguments: Mapping[str, Any], error: Exception) -> set[str]:
    """The types of newer blocks that Slack refuses in this call: those at the places that it names, or all
    where it names none. A picture may be what it refuses, as long as it is not ready."""
    if not isinstance(error, SlackApiError) or error.response.get("error") != "invalid_blocks":
        return set()
    blocks = _blocks(arguments)
    messages = (error.response.get("response_metadata") or {}).get("messages") or ()
    named = [int(place) for message in messages for place in _POINTER.findall(str(message))]
    if not named and any(block.get("type") == "image" for block in blocks):
        return set()
    suspects = [blocks[place] for place in named if place < len(blocks)] if named else blocks
    return {str(block["type"]) for block in suspects if block.get("type") in _NEWER}


def _blocks(arguments: Mapping[str, Any]) -> list[Block]:
    body = arguments.get("json")
    blocks = body.get("blocks") if isinstance(body, dict) else None
    return [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []


def _markdown(table: Block) -> Block:
    rows = [[str(cell["text"]).replace("|", "\\|") for cell in row] for row in table["rows"]]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return {"type": "markdown", "text": "\n".join(lines)}
