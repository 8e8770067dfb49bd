"""The sources of the sandbox image, and the tag that follows from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

REPOSITORY = "handoff-sandbox"
DEFAULT_BASE = "python:3.12-slim"
_SOURCES = ("Dockerfile", "finish.sh", "install.sh", "pip_command.py", "requirements", "supervisor")


@dataclass(frozen=True)
class Recipe:
    """A base image and a team's own additions; everything else comes with this package."""

    base: str = DEFAULT_BASE
    packages: tuple[str, ...] = ()
    """Requirement specifiers beyond what is pinned, such as `polars` or `duckdb==1.4.0`."""

    @property
    def tag(self) -> str:
        """Name and tag; the tag changes with every byte that goes into the image."""
        return _tag(self)

    def context(self) -> Iterator[tuple[str, bytes]]:
        """Names and contents of the build context, always in the same order."""
        folder = files("sandbox.image")
        for source in _SOURCES:
            yield from _files(folder.joinpath(source), source)


@cache
def _tag(recipe: Recipe) -> str:
    digest = hashlib.sha256(repr((recipe.base, recipe.packages)).encode())
    for name, content in recipe.context():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return f"{REPOSITORY}:{digest.hexdigest()[:16]}"


def _files(source: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    if source.is_file():
        yield name, source.read_bytes()
        return
    for child in sorted(source.iterdir(), key=lambda entry: entry.name):
        if child.is_file() and child.name.endswith((".py", ".txt", ".in")):
            yield f"{name}/{child.name}", child.read_bytes()
