"""Validates Block Kit as Slack does: block types, size limits, and the ids that Slack fills in.

A refusal names the place as a JSON pointer, as Slack's does.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

from playground.slack.charts import MAX_CHARTS, check_chart
from playground.slack.elements import check_element, check_text, invalid
from playground.slack.errors import Refused
from playground.slack.limits import MAX_BLOCK_TEXT, MAX_MARKDOWN
from playground.slack.messages import ROW_STATUSES
from playground.slack.world import Json

MAX_BLOCKS = 50
MAX_VIEW_BLOCKS = 100
MAX_ROWS, MAX_COLUMNS = 100, 20
MAX_TABLE_TEXT = 10_000
"""Characters in all cells of the data tables of a message."""


def check_blocks(value: Any, *, most: int = MAX_BLOCKS) -> tuple[Json, ...]:
    """The blocks of a message or a view, with missing ids filled in. Raises Refused."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Refused("invalid_blocks_format")
    if len(value) > most:
        raise invalid(f"no more than {most} items allowed", "/blocks")
    checked = tuple(_check_block(block, f"/blocks/{place}") for place, block in enumerate(value))
    ids = [block["block_id"] for block in checked]
    if len(set(ids)) != len(ids):
        raise invalid("block_id already exists in this message", "/blocks")
    kinds = {block["type"] for block in checked}
    if {"plan", "task_card"} <= kinds:
        raise invalid("plan and task_card cannot stand in one message", "/blocks")
    if sum(block["type"] == "table" for block in checked) > 1:
        raise Refused("invalid_attachments", "[ERROR] only one table is allowed")
    if sum(block["type"] == "data_visualization" for block in checked) > MAX_CHARTS:
        raise invalid(f"no more than {MAX_CHARTS} charts allowed", "/blocks")
    check_size(checked)
    return checked


def check_size(blocks: tuple[Json, ...]) -> None:
    """Raises Refused if all blocks together have too much text or Markdown."""
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MAX_MARKDOWN:
        raise Refused("msg_blocks_too_long")
    if sum(len(text) for text in texts(list(blocks))) > MAX_BLOCK_TEXT:
        raise Refused("msg_blocks_too_long")


def texts(value: Any) -> Iterator[str]:
    """Every text in the blocks that a person reads."""
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and key in ("text", "title", "alt_text"):
                yield item
            else:
                yield from texts(item)


def _check_block(block: Any, at: str) -> Json:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise invalid("must be an object with a type", at)
    check = _CHECKS.get(block["type"])
    if check is None:
        raise invalid(f"unsupported type: {block['type']}", f"{at}/type")
    block_id = block.get("block_id") or secrets.token_urlsafe(4)
    if not isinstance(block_id, str) or len(block_id) > 255:
        raise invalid("must be a string of no more than 255 characters", f"{at}/block_id")
    return check(block, at) | {"block_id": block_id}


def _section(block: Json, at: str) -> Json:
    if "text" not in block and "fields" not in block:
        raise invalid("missing required field: text or fields", at)
    if "text" in block:
        check_text(block["text"], f"{at}/text", most=3000)
    fields = _items(block, "fields", at, most=10) if "fields" in block else []
    for place, field in enumerate(fields):
        check_text(field, f"{at}/fields/{place}", most=2000)
    if "accessory" in block:
        return block | {"accessory": check_element(block["accessory"], f"{at}/accessory")}
    return block


def _header(block: Json, at: str) -> Json:
    check_text(block.get("text"), f"{at}/text", most=150, plain=True)
    return block


def _context(block: Json, at: str) -> Json:
    for place, element in enumerate(_items(block, "elements", at, most=10)):
        if not isinstance(element, dict) or element.get("type") not in ("plain_text", "mrkdwn", "image"):
            raise invalid("unsupported element of a context", f"{at}/elements/{place}")
        if element["type"] != "image":
            check_text(element, f"{at}/elements/{place}", most=3000)
    return block


def _with_elements(most: int) -> Callable[[Json, str], Json]:
    def check(block: Json, at: str) -> Json:
        elements = _items(block, "elements", at, most=most)
        checked = [check_element(element, f"{at}/elements/{place}") for place, element in enumerate(elements)]
        action_ids = [element["action_id"] for element in checked if "action_id" in element]
        if len(set(action_ids)) != len(action_ids):
            raise invalid("action_id already exists in this block", f"{at}/elements")
        return block | {"elements": checked}

    return check


def _input(block: Json, at: str) -> Json:
    check_text(block.get("label"), f"{at}/label", most=2000, plain=True)
    return block | {"element": check_element(block.get("element"), f"{at}/element")}


def _markdown(block: Json, at: str) -> Json:
    text = block.get("text")
    if not isinstance(text, str) or not text:
        raise invalid("missing required field: text", at)
    if len(text) > MAX_MARKDOWN:
        raise Refused("msg_blocks_too_long")
    return block


def _image(block: Json, at: str) -> Json:
    if "image_url" not in block and "slack_file" not in block:
        raise invalid("missing required field: image_url or slack_file", at)
    if len(str(block.get("image_url", ""))) > 3000:
        raise invalid("must be less than 3001 characters", f"{at}/image_url")
    if not isinstance(block.get("alt_text"), str) or len(block["alt_text"]) > 2000:
        raise invalid("must be a string of no more than 2000 characters", f"{at}/alt_text")
    return block


def _rich_text(block: Json, at: str) -> Json:
    known = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
    for place, element in enumerate(_items(block, "elements", at, most=10_000)):
        if not isinstance(element, dict) or element.get("type") not in known:
            raise invalid("unsupported element of a rich_text", f"{at}/elements/{place}")
    return block


def _table(block: Json, at: str) -> Json:
    for place, row in enumerate(_items(block, "rows", at, most=MAX_ROWS)):
        if not isinstance(row, list) or len(row) > MAX_COLUMNS:
            raise invalid(f"no more than {MAX_COLUMNS} items allowed", f"{at}/rows/{place}")
    return block


def _data_table(block: Json, at: str) -> Json:
    """docs.slack.dev/reference/block-kit/blocks/data-table-block."""
    if not isinstance(block.get("caption"), str) or not block["caption"]:
        raise invalid("missing required field: caption", at)
    if not 1 <= block.get("page_size", 5) <= 100:
        raise invalid("must be between 1 and 100", f"{at}/page_size")
    rows = _items(block, "rows", at, most=MAX_ROWS + 1)
    if len(rows) < 2 or any(not isinstance(row, list) or len(row) != len(rows[0]) for row in rows):
        raise invalid("at least 2 rows of the same length are needed", f"{at}/rows")
    if not 1 <= len(rows[0]) <= MAX_COLUMNS:
        raise invalid(f"no more than {MAX_COLUMNS} items allowed", f"{at}/rows/0")
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            _data_cell(cell, f"{at}/rows/{number}/{column}", is_head=number == 0)
    if sum(len(text) for text in texts(rows)) > MAX_TABLE_TEXT:
        raise invalid(f"no more than {MAX_TABLE_TEXT} characters allowed", f"{at}/rows")
    return block


def _data_cell(cell: Any, at: str, *, is_head: bool) -> None:
    kind = cell.get("type") if isinstance(cell, dict) else None
    if kind == "rich_text" and not is_head:
        return
    if kind not in ("raw_text", "raw_number") or not isinstance(cell.get("text"), str) or not cell["text"]:
        raise invalid("must be a raw_text or raw_number with a text", at)
    if kind == "raw_number" and type(cell.get("value")) not in (int, float):
        raise invalid("must be a number", f"{at}/value")


def _task_card(block: Json, at: str) -> Json:
    for name in ("task_id", "title"):
        if not isinstance(block.get(name), str):
            raise invalid(f"missing required field: {name}", at)
    if block.get("status", "pending") not in ROW_STATUSES:
        raise invalid(f"must be one of {', '.join(ROW_STATUSES)}", f"{at}/status")
    for name in ("details", "output"):
        if name in block and (not isinstance(block[name], dict) or block[name].get("type") != "rich_text"):
            raise invalid("must be a rich_text", f"{at}/{name}")
    return block


def _plan(block: Json, at: str) -> Json:
    if not isinstance(block.get("title"), str):
        raise invalid("missing required field: title", at)
    for place, task in enumerate(_items(block, "tasks", at, most=50)):
        if not isinstance(task, dict):
            raise invalid("must be an object", f"{at}/tasks/{place}")
        _task_card(task, f"{at}/tasks/{place}")
    return block


def _items(block: Json, name: str, at: str, *, most: int) -> list[Any]:
    items = block.get(name)
    if not isinstance(items, list) or not items:
        raise invalid(f"missing required field: {name}", at)
    if len(items) > most:
        raise invalid(f"no more than {most} items allowed", f"{at}/{name}")
    return items


def _as_it_is(block: Json, at: str) -> Json:
    return block


_CHECKS: dict[str, Callable[[Json, str], Json]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _with_elements(25),
    "context_actions": _with_elements(5),
    "input": _input,
    "markdown": _markdown,
    "image": _image,
    "rich_text": _rich_text,
    "table": _table,
    "data_table": _data_table,
    "data_visualization": check_chart,
    "task_card": _task_card,
    "plan": _plan,
} | dict.fromkeys(("divider", "file", "video", "alert", "card", "carousel", "container"), _as_it_is)
