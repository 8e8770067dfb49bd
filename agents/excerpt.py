"""Long text cut to what a model should read: the head, the tail, and how much is missing between them."""

from __future__ import annotations

#: Characters of one tool result that go into the conversation.
RESULT_LIMIT = 8_000


def excerpt(text: str, limit: int = RESULT_LIMIT) -> str:
    """`text` itself when it is short, else its first two thirds and last third of `limit` characters."""
    if len(text) <= limit:
        return text
    head, tail = text[: limit * 2 // 3], text[-(limit // 3) :]
    return f"{head}\n[… {len(text) - len(head) - len(tail):,} characters left out …]\n{tail}"


def one_line(text: str, limit: int) -> str:
    """The text on one line, cut at `limit` characters with an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
