"""A message: who wrote what, in which thread, with which files."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

#: In the `ts` of an addition, between that of its message and what it adds.
_ADDS = ":+"


@dataclass(frozen=True, slots=True)
class ThreadAddress:
    """One thread; `ts` is that of its root message."""

    team: str
    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRef:
    """A file attached to a message, not fetched yet. `source` is what `Thread.fetch` needs."""

    id: str
    name: str
    size: int
    source: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, identified by (team, channel, ts) in all its deliveries and events."""

    thread: ThreadAddress
    ts: str
    user: str
    user_name: str
    text: str
    files: tuple[FileRef, ...] = ()

    def addition(self, what: str, text: str, files: tuple[FileRef, ...] = ()) -> Message:
        """What Slack delivers of this message after the agents have read it: it starts no task and answers no
        question. `what` names it among the message's additions."""
        return replace(self, ts=f"{self.ts}{_ADDS}{what}", text=text, files=files)

    @property
    def task_id(self) -> str:
        """The id of the task that this message starts, the same on every node."""
        identity = f"{self.thread.team}/{self.thread.channel}/{self.ts}"
        digest = hashlib.sha256(identity.encode()).digest()
        return "t" + base64.b32encode(digest).decode()[:11].lower()


def is_addition(ts: str) -> bool:
    """Whether this is the `ts` of a message's addition."""
    return _ADDS in ts


def files_to_json(files: tuple[FileRef, ...]) -> list[dict[str, Any]]:
    """The stored form; see `files_from_json`."""
    return [{"id": f.id, "name": f.name, "size": f.size, "source": f.source} for f in files]


def files_from_json(rows: list[dict[str, Any]]) -> tuple[FileRef, ...]:
    return tuple(FileRef(id=r["id"], name=r["name"], size=r["size"], source=r["source"]) for r in rows)
