"""Which release of Handoff this is."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """The version of the package; a sentence where it was never installed."""
    try:
        return metadata.version("handoff")
    except metadata.PackageNotFoundError:
        return "not installed: run from a folder"
