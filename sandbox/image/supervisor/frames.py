"""The protocol between host and supervisor: frames of one byte of kind, four bytes of length, payload."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = 5
CHUNK = 64 * 1024
PIECE_BYTES = 1 << 20
WINDOW = 512 * 1024  # bytes of a connection that may be on their way in one direction

# To the container.
MANIFEST = b"M"  # files and empty folders for /work, JSON; the first frame
FILE = b"F"  # a small file of the manifest: named(); the others are sent when the program opens them
VARIABLES = b"V"  # what an earlier program left, pickled; and to the host, named() with the notes
JOB = b"J"  # settings as JSON, the last frame but one
CODE = b"C"  # the source in UTF-8; the program starts
DESCRIPTOR = b"H"  # the answer to WANTED: an open file comes with it (SCM_RIGHTS, over a unix socket only)
MISSING = b"N"  # the answer to WANTED: the reason why the host can't send the file

# Both ways.
PIECE = b"P"  # at most PIECE_BYTES of a file, after WANTED or ARTIFACT until the file is whole

# Both ways, of a connection that the program has opened: its number, four bytes, comes first.
CARRIED = b"d"  # at most CHUNK bytes
GRANTED = b"g"  # so many more bytes may be sent, four bytes
HALF_CLOSED = b"h"  # the sender sends no more
RESET = b"r"  # the connection is gone
OF_CONNECTIONS = (CARRIED, GRANTED, HALF_CLOSED, RESET)

# To the host.
OPENED = b"O"  # the program has opened a connection: its number, counted from 1
READY = b"R"  # the program's process is up and warm
STARTED = b"S"  # from here on something may have happened
STDOUT = b"o"
STDERR = b"e"
ENDED = b"D"  # the program is over; its files, variables and exit record follow
WANTED = b"W"  # the program opens a file of the manifest: its index, four bytes
ARTIFACT = b"A"  # a file of /work that is new or changed, JSON; its content follows in pieces
EXIT = b"X"  # how it ended, JSON, the last frame


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """One frame, ready to write."""
    return kind + len(payload).to_bytes(4, "big") + payload


def header(raw: bytes) -> tuple[bytes, int]:
    """Kind and payload length of a frame whose first five bytes are `raw`."""
    return raw[:1], int.from_bytes(raw[1:HEADER], "big")


def named(name: str, content: bytes) -> bytes:
    """A payload of a name and a content."""
    encoded = name.encode("utf-8", "replace")
    return len(encoded).to_bytes(2, "big") + encoded + content


def parse_named(payload: bytes) -> tuple[str, bytes]:
    """The name and content of `named`; ValueError when the payload is too short for its own name."""
    end = 2 + int.from_bytes(payload[:2], "big")
    if len(payload) < end or len(payload) < 2:
        raise ValueError("a file frame is shorter than its name")
    return payload[2:end].decode("utf-8", "replace"), payload[end:]


def packed(value: Mapping[str, object]) -> bytes:
    """A JSON payload."""
    return json.dumps(value).encode()


def parse_packed(payload: bytes) -> dict[str, object]:
    """The object of a JSON payload; ValueError when it is none."""
    value = json.loads(payload)
    if isinstance(value, dict):
        return value
    raise ValueError(f"expected a JSON object, not {type(value).__name__}")
