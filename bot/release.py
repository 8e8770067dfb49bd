"""The installed version."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """The package's version, or a sentence if the package is not installed."""
    try:
        return metadata.version("handoff")
    except metadata.PackageNotFoundError:
        return "not installed: run from a folder"
