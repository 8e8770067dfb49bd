"""Pictures in a request: the demo model sees their kind and size, as their first bytes say."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

_DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,(?P<data>.*)", re.DOTALL)


@dataclass(frozen=True)
class SeenPicture:
    """A picture of a message; kind, width and height are empty and 0 where its bytes do not say them."""

    name: str
    kind: str = ""
    width: int = 0
    height: int = 0

    @property
    def what(self) -> str:
        if not self.kind:
            return "a picture of unknown kind"
        return f"{self.kind}, {self.width:,} × {self.height:,} pixels as I get it"

    @property
    def tokens(self) -> int:
        """One token for 750 pixels, as services count about."""
        return self.width * self.height // 750


def look(name: str, url: str) -> SeenPicture:
    """The picture in a data URL; of another address only the name is known."""
    found = _DATA_URL.fullmatch(url)
    try:
        data = base64.b64decode(found["data"], validate=True) if found else b""
    except ValueError:
        data = b""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        return SeenPicture(name, "PNG", int.from_bytes(data[16:20]), int.from_bytes(data[20:24]))
    if data.startswith(b"\xff\xd8"):
        height, width = next(_jpeg_sizes(data), (0, 0))
        return SeenPicture(name, "JPEG", width, height)
    return SeenPicture(name)


def _jpeg_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Height and width in the frame headers of a JPEG."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            yield int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
        at += 2 + length
