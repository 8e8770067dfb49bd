"""Changes of the stand-in's state, as values that the page and the tests listen to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground.slack.files import File
from playground.slack.messages import SlackPost
from playground.slack.sessions import Session
from playground.slack.world import Json


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """A new or changed message. A changed reply count is a change too."""

    message: SlackPost


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class EphemeralShown:
    """Only `user` sees it, and only while their page is open."""

    user: str
    message: SlackPost


@dataclass(frozen=True, slots=True)
class SessionChanged:
    session: Session


@dataclass(frozen=True, slots=True)
class HomeChanged:
    user: str
    view: Json


@dataclass(frozen=True, slots=True)
class ModalChanged:
    """`view` is None when the person's modal was closed."""

    user: str
    view: Json | None


@dataclass(frozen=True, slots=True)
class FileChanged:
    """`file` is None when it was deleted."""

    id: str
    file: File | None


@dataclass(frozen=True, slots=True)
class DirectoryChanged:
    """People, channels, memberships or suggested prompts changed. Too rare to need details."""


@dataclass(frozen=True, slots=True)
class SocketsChanged:
    connections: int


@dataclass(frozen=True, slots=True)
class Call:
    """One Web API call and its answer.

    `at` is Unix time in seconds; `status` is the HTTP status, or 0 if the reply was withheld.
    """

    method: str
    arguments: Mapping[str, Any]
    response: Json
    at: float
    status: int = 200

    @property
    def ok(self) -> bool:
        return bool(self.response.get("ok"))

    @property
    def error(self) -> str | None:
        return self.response.get("error")


Change = (
    MessageChanged
    | MessageDeleted
    | EphemeralShown
    | SessionChanged
    | HomeChanged
    | ModalChanged
    | FileChanged
    | DirectoryChanged
    | SocketsChanged
    | Call
)
