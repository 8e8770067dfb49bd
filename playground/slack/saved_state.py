"""The state on disk, so that a playground that was killed comes back as it was.

Each change is one row of a SQLite file, written when it happens. Not kept: what only an open page shows
(modals and messages to one person), response URLs, and events that the bot had not acknowledged.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from playground.slack.changes import (
    Change,
    DirectoryChanged,
    FileChanged,
    HomeChanged,
    MessageChanged,
    MessageDeleted,
    SessionChanged,
)
from playground.slack.files import File
from playground.slack.messages import SlackPost
from playground.slack.sessions import Session
from playground.slack.state import WorkspaceState
from playground.slack.world import Channel, Json, User

VERSION = 1
"""Of the rows. A file of another version is emptied."""

_MESSAGE, _FILE, _SESSION = TypeAdapter(SlackPost), TypeAdapter(File), TypeAdapter(Session)
_USER, _CHANNEL = TypeAdapter(User), TypeAdapter(Channel)


@contextmanager
def saving(state: WorkspaceState, path: Path) -> Iterator[None]:
    """Restores the state from the file, and writes every change to it until the block ends."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        saved = _SavedState(state, database)
        saved.restore()
        with state.listening(saved.write):
            yield


class _SavedState:
    def __init__(self, state: WorkspaceState, database: sqlite3.Connection) -> None:
        self._state, self._database = state, database
        # A process that is killed loses nothing without a sync; only a machine that loses power does.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = OFF")
        if database.execute("PRAGMA user_version").fetchone() != (VERSION,):
            database.execute("DROP TABLE IF EXISTS saved")
            database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute(
            "CREATE TABLE IF NOT EXISTS saved "
            "(kind TEXT, key TEXT, value TEXT, data BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )

    def restore(self) -> None:
        state = self._state
        for user, _ in self._rows("user"):
            state.put_user(_USER.validate_python(user))
        for channel, _ in self._rows("channel"):
            state.put_channel(_CHANNEL.validate_python(channel))
        for file, data in self._rows("file"):
            state.put_file(_FILE.validate_python({**file, "data": data}))
        for message, _ in self._rows("message"):
            state.restore(_MESSAGE.validate_python(message))
        for session, _ in self._rows("session"):
            state.put_session(_SESSION.validate_python(session))
        for home, _ in self._rows("home"):
            state.put_home(home["user"], home["view"])

    def write(self, change: Change) -> None:
        match change:
            case MessageChanged(message):
                self._put("message", f"{message.ts} {message.channel}", asdict(message))
            case MessageDeleted(channel, ts):
                self._delete("message", f"{ts} {channel}")
            case FileChanged(file_id, None):
                self._delete("file", file_id)
            case FileChanged(file_id, File() as file):
                described = {**asdict(replace(file, data=b"")), "data": None}
                self._put("file", file_id, described, file.data)
            case SessionChanged(session):
                self._put("session", f"{session.thread_ts} {session.channel}", asdict(session))
            case HomeChanged(user, view):
                self._put("home", user, {"user": user, "view": view})
            case DirectoryChanged():
                for person in self._state.users.values():
                    self._put("user", person.id, asdict(person))
                for place in self._state.channels.values():
                    self._put("channel", place.id, asdict(place))
            case _:
                pass  # nothing of it outlives an open page

    def _rows(self, kind: str) -> list[tuple[Any, bytes]]:
        """The values of a kind with their bytes, in the order of their keys."""
        rows = self._database.execute("SELECT value, data FROM saved WHERE kind = ? ORDER BY key", (kind,))
        return [(json.loads(value), data) for value, data in rows]

    def _put(self, kind: str, key: str, value: Json, data: bytes = b"") -> None:
        row = (kind, key, json.dumps(value, default=sorted), data)
        self._database.execute("INSERT OR REPLACE INTO saved VALUES (?, ?, ?, ?)", row)

    def _delete(self, kind: str, key: str) -> None:
        self._database.execute("DELETE FROM saved WHERE kind = ? AND key = ?", (kind, key))
