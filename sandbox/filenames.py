"""Sanitizes file names: safe for any file system, and safe to show."""

from __future__ import annotations

import unicodedata
from collections.abc import Container

from sandbox.errors import FileRefused

PART_BYTES = 200  # Linux takes 255; this leaves room for a number or a suffix
PATH_BYTES = 1000
_PARTS = 32
# Bidirectional marks reorder the text, so that one name looks like another.
_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def clean(name: str) -> str:
    """A relative path without `..`, empty parts and control characters; FileRefused when nothing is left."""
    parts = [_clean_part(part) for part in unicodedata.normalize("NFC", name).split("/")]
    kept = [part for part in parts if part]
    path = "/".join(kept)
    if not kept or len(kept) > _PARTS or len(path.encode()) > PATH_BYTES:
        raise FileRefused(f"{name[:80]!r} is not a name a file can have in /work.")
    return path


def is_clean(name: str) -> bool:
    """Whether `clean` leaves `name` as it is."""
    try:
        return clean(name) == name
    except FileRefused:
        return False


def unique(name: str, taken: Container[str]) -> str:
    """`name`, or `name-2.ext` and so on when it is taken."""
    if name not in taken:
        return name
    folder, slash, last = name.rpartition("/")
    stem, dot, suffix = last.rpartition(".")
    if not stem:
        stem, dot, suffix = last, "", ""
    number = 2
    while (candidate := f"{folder}{slash}{stem}-{number}{dot}{suffix}") in taken:
        number += 1
    return candidate


def _clean_part(part: str) -> str:
    text = "".join(_clean_character(character) for character in part).strip()
    if text.strip(".") == "":
        return ""
    return _short(text)


def _clean_character(character: str) -> str:
    if character in _MARKS:
        return ""
    if character == "\\" or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return "_"
    return character


def _short(text: str) -> str:
    """Cut the stem, so that the suffix stays."""
    if len(text.encode()) <= PART_BYTES:
        return text
    stem, dot, suffix = text.rpartition(".")
    tail = f"{dot}{suffix}" if stem and len(suffix.encode()) <= 20 else ""
    head = text.encode()[: PART_BYTES - len(tail.encode())].decode("utf-8", "ignore")
    return head + tail
