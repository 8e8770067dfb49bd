"""Which files in a task's `/work` are delivered: pictures, and files that a report or the answer names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import structlog

from agents.report import relative_path
from sandbox.errors import FileRefused
from sandbox.workspace import Workspace
from tasks.store.log import TaskLog
from tasks.task import Outcome, OutputFile

log = structlog.get_logger(__name__)

_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"}


async def output_files(journal: TaskLog, workspace: Workspace, outcome: Outcome) -> list[OutputFile]:
    """The files in the order in which runs made them, with their present contents."""
    reported = {relative_path(path) for path in _paths(journal, "report")}
    files = []
    for path in dict.fromkeys(_paths(journal, "run")):
        name = PurePosixPath(path)
        if name.suffix.lower() in _PICTURES or path in reported or name.name in outcome.text:
            try:
                files.append(OutputFile(path=path, data=await workspace.read(path)))
            except FileRefused:
                log.info("artifact not delivered, a later run removed it", file=path)
    return files


def _paths(journal: TaskLog, fact: str) -> Iterator[str]:
    """The files that results of one kind (`run` or `report`) list, over all agents."""
    for entries in journal.agents.values():
        for entry in entries:
            if entry.kind == "result":
                yield from entry.body["facts"].get(fact, {}).get("files", ())
