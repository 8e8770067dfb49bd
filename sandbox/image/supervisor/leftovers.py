"""Files that a program leaves outside /work, which are gone when its container is."""

from __future__ import annotations

import os

_FOLDER = "/tmp"
# Of libraries: matplotlib's lists, temporary files, multiprocessing's and joblib's folders.
_NOT_THE_PROGRAMS = (".", "matplotlib", "tmp", "pymp-", "joblib", "loky", "numba", "fontlist")
_NAMED, _LOOKED_AT = 10, 1000


def sentences() -> list[str]:
    """A note for the model that names the first of them; none when there are none."""
    found: list[str] = []
    looked_at = 0
    for folder, folders, names in os.walk(_FOLDER):
        folders[:] = [name for name in folders if not name.startswith(_NOT_THE_PROGRAMS)]
        found += [f"{folder}/{name}" for name in names if not name.startswith(_NOT_THE_PROGRAMS)]
        looked_at += len(folders) + len(names)
        if looked_at > _LOOKED_AT:
            break
    if not found:
        return []
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    named = ", ".join(path[:100] for path in sorted(found)[:_NAMED]).encode("utf-8", "replace").decode()
    return [f"Not kept, since it lies outside /work: {named}{more}. Save to /work what is needed later."]
