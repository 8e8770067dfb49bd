"""Parses an endpoint's response into JSON values: server-sent events, or one body."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from typing import Any, Protocol

#: Maximum characters of one reply, with arguments and vendor fields.
MAX_REPLY = 8_000_000
#: Maximum bytes of one event: the last one of a Responses stream repeats the whole reply, escaped.
MAX_EVENT = 8 * MAX_REPLY
#: Stands for the `[DONE]` at the end of Chat Completions.
DONE = object()
#: The beginning of an event stream: a field, or a comment.
_EVENT_FIELD = re.compile(rb"(data|event|id|retry)?:")


class CutStream(Exception):
    """The stream ended before the reply was complete."""


class SilentStream(CutStream):
    """The stream sent nothing for as long as `str()` says."""


class RunawayReply(CutStream):
    """The reply is longer than `MAX_REPLY`."""


class Unreadable(CutStream):
    """The response has content that can't be part of a reply."""


class NoReply(CutStream):
    """The response is not from a model endpoint; `str()` says what it is from."""


class ErrorInside(Exception):
    """The endpoint sent an error, with `code`, inside a response of status 200."""

    def __init__(self, code: object, message: object) -> None:
        super().__init__(f"{code or ''} {message or ''}".strip())
        self.code = code


class ResponseParser(Protocol):
    """An incremental parser: takes bytes, returns the values that are complete."""

    def feed(self, piece: bytes) -> Iterator[Any]: ...

    def finish(self) -> Iterator[Any]:
        """The values that the end of the bytes completes."""
        ...


class ResponseBody:
    """A response: an event stream or one JSON value, by its first bytes. Gateways mix up their content types,
    so `content_type` only counts for what is neither. Raises `NoReply` for a web page."""

    def __init__(self, content_type: str) -> None:
        self._content_type = content_type
        self._begins = b""
        self._parser: ResponseParser | None = None

    def feed(self, piece: bytes) -> Iterator[Any]:
        if self._parser is not None:
            return self._parser.feed(piece)
        self._begins += piece
        head = self._begins.removeprefix(BOM_UTF8).lstrip()
        if not head or BOM_UTF8.startswith(self._begins):
            self._begins = self._begins[:2] if BOM_UTF8.startswith(self._begins) else b""
            return iter(())
        self._parser = _parser_of(head, self._content_type)
        return self._parser.feed(head)

    def finish(self) -> Iterator[Any]:
        return iter(()) if self._parser is None else self._parser.finish()


def _parser_of(head: bytes, content_type: str) -> ResponseParser:
    if head[:1] in (b"{", b"["):
        return JsonBody()
    if head[:1] == b"<" or ("html" in content_type and not _EVENT_FIELD.match(head)):
        raise NoReply("a web page answered and no model: OPENAI_BASE_URL may be wrong")
    return ServerSentEvents()


class ServerSentEvents:
    """Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), their data parsed
    as JSON. Raises `Unreadable` for other data, and `RunawayReply` past `MAX_EVENT`."""

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
        """The lines that this piece completes; the rest waits for the next one."""
        self._held += len(piece)
        if self._held > MAX_EVENT:
            raise RunawayReply(f"one event did not end within {MAX_EVENT:,} bytes")
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


class JsonBody:
    """One JSON value, from an endpoint that does not stream."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._held = 0

    def feed(self, piece: bytes) -> Iterator[Any]:
        self._held += len(piece)
        if self._held > MAX_EVENT:
            raise RunawayReply(f"the answer did not end within {MAX_EVENT:,} bytes")
        self._pieces.append(piece)
        return iter(())

    def finish(self) -> Iterator[Any]:
        yield _read(b"".join(self._pieces))


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable("something that is not JSON") from error
