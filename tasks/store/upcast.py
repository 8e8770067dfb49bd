"""Upcasts log entries of older versions to the present format when they are read.

Rows stay as they were written: a task may begin before a deploy and end after it, and nodes of different
releases may share a database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agents.conversation import Json
from tasks.errors import NewerRow

#: The version of `body`, written with each row.
VERSION = 2

Step = Callable[[str, Json], Json]


def _from_1(kind: str, body: Json) -> Json:
    """Version 1 recorded neither a reply's model nor how many of its calls were left out; nor whether a
    result was the agent's last, as that of a report is, nor how often the same result had come."""
    match kind:
        case "reply":
            return {"model": "", "left_out": 0, **body}
        case "result":
            return {"ends": "report" in body["facts"], "times": 1, "same_as": "", **body}
    return body


#: Converts a body of each version to the next.
STEPS: Mapping[int, Step] = {1: _from_1}


def upcast(kind: str, body: Json, version: int) -> Json:
    """The body in the present format. Raises `NewerRow` for an entry of a later version."""
    if version > VERSION:
        raise NewerRow(
            f"a log entry has version {version} and this program reads up to {VERSION}. "
            "Update this process: another one on the same database is newer."
        )
    for number in range(version, VERSION):
        body = STEPS[number](kind, body)
    return body
