"""Masks secrets in a stream of bytes, so that a server's echo of a credential does not reach a program."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

_SHORTEST = 4  # a shorter one would mask half of every text


class Masker:
    """Replaces each secret, also as JSON and URLs spell it, by as many asterisks."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {
            form.encode()
            for secret in secrets
            if len(secret) >= _SHORTEST
            for form in (
                secret,
                json.dumps(secret)[1:-1],
                quote(secret, safe=""),
                quote(secret),
                quote_plus(secret),
            )
        }
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first))) if forms else None
        self._longest = max(map(len, forms), default=1)
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """The masked bytes that are certain so far: the end of a chunk may begin a secret."""
        whole = self.mask(self._held + chunk)
        keep = min(len(whole), self._longest - 1)
        self._held = whole[len(whole) - keep :]
        return whole[: len(whole) - keep]

    def rest(self) -> bytes:
        """What is left at the end of the stream."""
        held, self._held = self._held, b""
        return held

    def mask(self, whole: bytes) -> bytes:
        """A text that is complete, masked."""
        return self._pattern.sub(lambda found: b"*" * len(found[0]), whole) if self._pattern else whole
