"""A thread's files at the start of a run, and what became of those that the run left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.files import SandboxFile
from sandbox.folder import Version


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The workspace at the start of a run."""

    versions: Mapping[str, Version]
    files: Mapping[str, SandboxFile]
    """For `Job.files`. Content is read when a program opens it."""
    folders: tuple[str, ...]
    """For `Job.folders`."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What `Workspace.keep` did with a run's files."""

    files: tuple[str, ...]
    """Paths under which they are now."""
    notes: tuple[str, ...]
    """A sentence for each file that has another path, or was not kept."""
