"""Turns Block Kit (docs.slack.dev/reference/block-kit/blocks) into mrkdwn text.

Reads any JSON and raises nothing. Blocks without words of their own (buttons, inputs, plans of agents) become
empty text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.wire.text import escape

#: Blocks in blocks; deeper ones are left out.
_DEEPEST = 5
#: Indentation of a list, in levels.
_MOST_INDENT = 8
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:[^|<>\s]+")
_SILENT = {"actions", "context_actions", "divider", "file", "input", "plan", "task_card"}


def objects(value: object) -> Iterator[Mapping[str, Any]]:
    """The objects in a JSON list; nothing of any other value."""
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def string(value: object) -> str:
    """The value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def blocks_text(blocks: object, deep: int = 0) -> str:
    """What the blocks say, one below the other."""
    return "\n".join(filter(None, (block_text(block, deep) for block in objects(blocks))))


def block_text(block: Mapping[str, Any], deep: int = 0) -> str:
    """What one block says: Markdown for a table or a `markdown` block, mrkdwn for all others."""
    kind = string(block.get("type"))
    if kind in _SILENT or deep > _DEEPEST:
        return ""
    if special := _SPECIAL.get(kind):
        return special(block)
    named = [_text(block.get(name)) for name in ("title", "subtitle", "text", "body", "description")]
    fields = [_text(field) for field in objects(block.get("fields"))]
    parts = [blocks_text(block.get(name), deep + 1) for name in ("elements", "blocks", "children")]
    return "\n".join(filter(None, [*named, *fields, *parts]))


def _text(value: object) -> str:
    """A text object. All but `mrkdwn` is plain and gets escaped."""
    if not isinstance(value, dict):
        return string(value)
    words = string(value.get("text"))
    return words if value.get("type") == "mrkdwn" else escape(words)


def _context(block: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (_image(one) or _text(one) for one in objects(block.get("elements")))))


def _image(block: Mapping[str, Any]) -> str:
    if block.get("type") != "image":
        return ""
    words = _text(block.get("title")) or escape(string(block.get("alt_text")))
    return f"[Picture: {words}]" if words else ""


def _video(block: Mapping[str, Any]) -> str:
    parts = [_text(block.get("title")), string(block.get("title_url")), _text(block.get("description"))]
    return "\n".join(filter(None, parts))


def _chart(block: Mapping[str, Any]) -> str:
    return f"[Chart: {escape(string(block.get('title')))}]"


def _table(block: Mapping[str, Any]) -> str:
    """A table as Markdown; its first row is the head."""
    given = block.get("rows")
    rows = (
        [[_cell(cell) for cell in row] for row in given if isinstance(row, list)]
        if isinstance(given, list)
        else []
    )
    if not (width := max(map(len, rows), default=0)):
        return ""
    lines = [f"| {' | '.join([*row, *[''] * (width - len(row))])} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * width}", *lines[1:]])


def _cell(cell: object) -> str:
    if not isinstance(cell, dict):
        words = "" if cell is None else escape(str(cell))
    elif cell.get("type") == "rich_text":
        words = _rich_text(cell)
    else:
        value = cell.get("text", cell.get("value"))
        words = escape(string(value) or ("" if value is None else str(value)))
    return " ".join(words.split()).replace("|", "\\|")


def _rich_text(block: Mapping[str, Any]) -> str:
    parts = [_part(part) for part in objects(block.get("elements"))]
    return "\n".join(part.strip("\n") for part in parts if part.strip())


def _part(part: Mapping[str, Any]) -> str:
    match part.get("type"):
        case "rich_text_list":
            return _list(part)
        case "rich_text_preformatted":
            return f"```\n{_inline(part)}\n```"
        case "rich_text_quote":
            return quoted(_inline(part))
    return _inline(part)


def _list(part: Mapping[str, Any]) -> str:
    indent = part.get("indent")
    deep = min(max(indent, 0), _MOST_INDENT) if isinstance(indent, int) else 0
    items = [_inline(item) for item in objects(part.get("elements"))]
    numbered = part.get("style") == "ordered"
    return "\n".join(
        f"{'  ' * deep}{f'{number}.' if numbered else '•'} {item}"
        for number, item in enumerate(items, start=1)
    )


def _inline(part: Mapping[str, Any]) -> str:
    return "".join(_element(element) for element in objects(part.get("elements")))


def _element(element: Mapping[str, Any]) -> str:
    style = element.get("style")
    words = _element_words(element)
    if isinstance(style, dict) and words.strip():
        words = f"~{words}~" if style.get("strike") is True else words
        words = f"`{words}`" if style.get("code") is True else words
    return words


def _element_words(element: Mapping[str, Any]) -> str:
    def value(name: str) -> str:
        return string(element.get(name))

    match element.get("type"):
        case "user":
            return f"<@{value('user_id')}>"
        case "channel":
            return f"<#{value('channel_id')}>"
        case "usergroup":
            return f"<!subteam^{value('usergroup_id')}>"
        case "broadcast":
            return f"<!{value('range')}>"
        case "emoji":
            return f":{value('name')}:"
        case "link":
            return link(value("url"), value("text"))
        case "date":
            return escape(value("fallback") or str(element.get("timestamp", "")))
        case "color":
            return escape(value("value"))
    return escape(value("text"))


def link(address: str, label: str = "") -> str:
    """An address with a label as an entity."""
    if not _ADDRESS.fullmatch(address):
        return escape(" ".join(filter(None, [label, address])))
    name = escape(label).replace("|", " ")
    return f"<{escape(address)}|{name}>" if name else f"<{escape(address)}>"


def quoted(text: str) -> str:
    """The text with a sign of quotation before each line."""
    return "\n".join(f"> {line}" for line in text.splitlines())


_SPECIAL: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "context": _context, "image": _image, "rich_text": _rich_text, "table": _table,
    "data_table": _table, "data_visualization": _chart, "video": _video,
    "markdown": lambda block: string(block.get("text")),
}  # fmt: skip
