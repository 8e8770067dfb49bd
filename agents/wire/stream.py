"""The bytes of an endpoint's answer as JSON values: server-sent events, or one body where it does not stream.

Owns the form of the bytes, and the errors of what comes in them. Never knows what a value means.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Protocol

#: Characters of one reply, arguments and vendor fields included; past them it counts as one without end.
LONGEST_REPLY = 8_000_000
#: Bytes of one event: the last one of a Responses stream repeats the whole reply, every character escaped.
LONGEST_EVENT = 8 * LONGEST_REPLY
#: What stands for the `[DONE]` that Chat Completions end with.
DONE = object()


class CutStream(Exception):
    """The stream ended before the reply was complete; nothing of it was acted on."""


class RunawayReply(CutStream):
    """The reply went on past what any reply may have."""


class Unreadable(CutStream):
    """The answer holds something that is no part of a reply."""


class NoReply(CutStream):
    """What answered is no model endpoint; `str()` says what it is."""


class ErrorInside(Exception):
    """The endpoint began a reply and then said, with `code`, that it failed."""

    def __init__(self, code: object, message: object) -> None:
        super().__init__(f"{code or ''} {message or ''}".strip())
        self.code = code


class Values(Protocol):
    """Takes the bytes as they come and gives the values that are complete."""

    def feed(self, piece: bytes) -> Iterator[Any]: ...

    def finish(self) -> Iterator[Any]:
        """What the end of the bytes completes."""
        ...


def values(content_type: str) -> Values:
    """How an answer is to be read. Raises `NoReply` for a web page."""
    if "html" in content_type:
        raise NoReply("a web page answered and no model: OPENAI_BASE_URL may be wrong")
    return Body() if "json" in content_type else ServerSentEvents()


class ServerSentEvents:
    """Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), their data read as
    JSON. Raises `Unreadable` for data that is none, and `RunawayReply` past `LONGEST_EVENT`."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._held = 0
        self._data: list[bytes] = []
        self._ends_in_cr = False

    def feed(self, piece: bytes) -> Iterator[Any]:
        for line in self._lines(piece):
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b" ", 5) else line[5:])
            elif not line and self._data:
                data = b"\n".join(self._data)
                self._data = []
                self._held = 0
                yield DONE if data.startswith(b"[DONE]") else _read(data)

    def finish(self) -> Iterator[Any]:
        return self.feed(b"\n\n")

    def _lines(self, piece: bytes) -> list[bytes]:
        """The lines that are complete with this piece; what is left waits for the next one."""
        self._held += len(piece)
        if self._held > LONGEST_EVENT:
            raise RunawayReply(f"one event did not end within {LONGEST_EVENT:,} bytes")
        if self._ends_in_cr or b"\r" in piece:
            piece = self._with_plain_ends(piece)
        head, newline, rest = piece.rpartition(b"\n")
        if not newline:
            self._rest.append(piece)
            return []
        whole = b"".join([*self._rest, head])
        self._rest = [rest]
        return whole.split(b"\n")

    def _with_plain_ends(self, piece: bytes) -> bytes:
        """CR and CRLF as LF; a CR at the end waits, as its LF may be in the next piece."""
        if self._ends_in_cr:
            piece = b"\r" + piece
        self._ends_in_cr = piece.endswith(b"\r")
        if self._ends_in_cr:
            piece = piece[:-1]
        return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


class Body:
    """One JSON value, from an endpoint that does not stream."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0

    def feed(self, piece: bytes) -> Iterator[Any]:
        self._held += len(piece)
        if self._held > LONGEST_EVENT:
            raise RunawayReply(f"the answer did not end within {LONGEST_EVENT:,} bytes")
        self._pieces.append(piece)
        return iter(())

    def finish(self) -> Iterator[Any]:
        yield _read(b"".join(self._pieces))


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable("something that is not JSON") from error
