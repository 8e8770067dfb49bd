"""Parses and validates the content of the streaming methods: Markdown or chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playground.slack.arguments import Arguments
from playground.slack.blocks import check_blocks
from playground.slack.errors import Refused
from playground.slack.limits import MAX_FIELD, check_markdown
from playground.slack.messages import ROW_STATUSES, ContentForm, TaskCard
from playground.slack.world import Json


@dataclass(frozen=True, slots=True)
class StreamContent:
    """What one call adds to a stream. `title` is None if the plan's title stays."""

    form: ContentForm = ""
    markdown: str = ""
    rows: tuple[TaskCard, ...] = ()
    title: str | None = None
    blocks: tuple[Json, ...] = ()


def read_content(arguments: Arguments) -> StreamContent:
    """The content of a call, possibly empty. Raises Refused."""
    chunks = arguments.json("chunks", "invalid_chunks")
    text = arguments.maybe_text("markdown_text")
    if text is not None and chunks:
        raise Refused("cannot_provide_both_markdown_text_and_chunks")
    if text is not None:
        return StreamContent("text", check_markdown(text)) if text else StreamContent()
    if chunks is not None and not isinstance(chunks, list):
        raise Refused("invalid_chunks", "[ERROR] must be an array [json-pointer:/chunks]")
    return _read_chunks(chunks) if chunks else StreamContent()


def _read_chunks(chunks: list[Any]) -> StreamContent:
    markdown, title = "", None
    rows: list[TaskCard] = []
    blocks: list[Json] = []
    for place, chunk in enumerate(chunks):
        at = f"/chunks/{place}"
        match chunk:
            case {"type": "markdown_text"}:
                markdown += _text(chunk, "text", at)
            case {"type": "task_update"}:
                rows.append(_read_row(chunk, at))
            case {"type": "plan_update"}:
                title = _field(chunk, "title", at)
            case {"type": "blocks"}:
                blocks += check_blocks(chunk.get("blocks"))
            case _:
                raise _invalid("unknown type of a chunk", at)
    return StreamContent("chunks", check_markdown(markdown), tuple(rows), title, tuple(blocks))


def _read_row(chunk: Json, at: str) -> TaskCard:
    if chunk.get("status") not in ROW_STATUSES:
        raise _invalid(f"must be one of {', '.join(ROW_STATUSES)}", f"{at}/status")
    sources = chunk.get("sources") or []
    if not isinstance(sources, list) or not all(_is_source(source) for source in sources):
        raise _invalid("must be an array of url elements with a url and a text", f"{at}/sources")
    return TaskCard(
        _text(chunk, "id", at),
        _field(chunk, "title", at),
        chunk["status"],
        _field(chunk, "details", at) if chunk.get("details") is not None else "",
        _field(chunk, "output", at) if chunk.get("output") is not None else "",
        tuple(sources),
    )


def _is_source(source: Any) -> bool:
    return (
        isinstance(source, dict)
        and source.get("type") == "url"
        and isinstance(source.get("url"), str)
        and isinstance(source.get("text"), str)
    )


def _field(chunk: Json, name: str, at: str) -> str:
    text = _text(chunk, name, at)
    if len(text) > MAX_FIELD:
        raise _invalid(f"must be less than {MAX_FIELD + 1} characters", f"{at}/{name}")
    return text


def _text(chunk: Json, name: str, at: str) -> str:
    text = chunk.get(name)
    if not isinstance(text, str):
        raise _invalid(f"missing required field: {name}", at)
    return text


def _invalid(problem: str, pointer: str) -> Refused:
    return Refused("invalid_chunks", f"[ERROR] {problem} [json-pointer:{pointer}]")
