"""Log entries of older versions of the program, brought to the shape of this one as they are read.

Rows are never rewritten: a task begun before a deploy ends after it, and one node may be newer than the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agents.conversation import Json
from tasks.errors import NewerRow

#: The shape of `body`, written with each row.
VERSION = 2

Step = Callable[[str, Json], Json]


def _from_1(kind: str, body: Json) -> Json:
    """Version 1 did not record which model was asked, and kept every call of a reply. Nor did it record that
    a result was an agent's last, as that of a report is, or how often the same one had come."""
    match kind:
        case "reply":
            return {"model": "", "left_out": 0, **body}
        case "result":
            return {"ends": "report" in body["facts"], "times": 1, "same_as": "", **body}
    return body


#: What brings a body of each version to the next.
STEPS: Mapping[int, Step] = {1: _from_1}


def upcast(kind: str, body: Json, version: int) -> Json:
    """The entry in today's shape. Raises `NewerRow` when it is from a later version than this program."""
    if version > VERSION:
        raise NewerRow(
            f"a log entry has version {version} and this program reads up to {VERSION}. "
            "Update this process: another one on the same database is newer."
        )
    for number in range(version, VERSION):
        body = STEPS[number](kind, body)
    return body
