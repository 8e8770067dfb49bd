"""Stands where pip would be in the image: says what is installed, since nothing can be added."""

from __future__ import annotations

import sys
from importlib.metadata import distributions


def sentence() -> str:
    """What a program that wants another package should read."""
    found = sorted({f"{d.metadata['Name']} {d.version}" for d in distributions(path=["/opt/packages"])})
    return (
        "No package can be installed in the sandbox: it has no network. "
        f"Use the standard library or what is there: {', '.join(found)}."
    )


if __name__ == "__main__":
    print(sentence(), file=sys.stderr)
    sys.exit(1)
