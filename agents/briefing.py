"""What a worker is given at its start: its brief, and the request with its date, files and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agents.journal import Entry
from text.excerpt import excerpt

#: Characters of the request; a longer one is cut in the middle.
_LONGEST_REQUEST = 12_000
#: Files that are named; more are counted.
_MOST_FILES = 50
FILES = "[Files in /work:"
_REQUEST = "Context: this is what the person asked for, word for word. Your part of it is the brief above."


def brief_text(task_description: str, deliverable: str, boundaries: str) -> str:
    """The brief as the orchestrator wrote it."""
    parts = [task_description]
    parts += [f"Deliverable: {deliverable}"] if deliverable else []
    parts += [f"Out of scope: {boundaries}"] if boundaries else []
    return "\n\n".join(parts)


def request_context(journal: Sequence[Entry], sizes: Mapping[str, int]) -> str:
    """The request from the orchestrator's journal, as its opening has it: with the date, the files then, and
    the channel's notes. `sizes` are the bytes of the files in `/work` now."""
    turns = next((entry.body["turns"] for entry in journal if entry.kind == "opening"), ())
    request = excerpt(turns[-1]["text"], _LONGEST_REQUEST) if turns else ""
    files = files_line(sizes)
    parts = [_REQUEST, request] if request else []
    parts += [files] if files and files not in request else []
    return "\n".join(parts)


def files_line(sizes: Mapping[str, int]) -> str:
    """The files in `/work` with their bytes, in one line; empty when there are none."""
    named = [f"{name} ({size} bytes)" for name, size in list(sizes.items())[:_MOST_FILES]]
    more = [f"and {len(sizes) - _MOST_FILES} more"] if len(sizes) > _MOST_FILES else []
    return f"{FILES} {', '.join([*named, *more])}]" if sizes else ""
