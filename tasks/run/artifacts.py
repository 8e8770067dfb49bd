"""Which of the files that a task's runs left in `/work` are for people, and their contents.

Pictures always are; other files when a worker's report or the answer names them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import structlog

from agents.report import relative_path
from sandbox.errors import FileRefused
from sandbox.workspace import Workspace
from tasks.run.thread import Made
from tasks.store.log import TaskLog
from tasks.task import Outcome

log = structlog.get_logger(__name__)

_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"}


async def made_for_people(journal: TaskLog, workspace: Workspace, outcome: Outcome) -> list[Made]:
    """The files in the order they were made, each as it stands now."""
    made = dict.fromkeys(_made(journal))
    reported = {relative_path(path) for path in _reported(journal)}
    files = []
    for path in made:
        name = PurePosixPath(path)
        if name.suffix.lower() in _PICTURES or path in reported or name.name in outcome.text:
            try:
                files.append(Made(path=path, data=await workspace.read(path)))
            except FileRefused:
                log.info("artifact gone: a later run removed it", file=path)
    return files


def _made(journal: TaskLog) -> Iterator[str]:
    for facts in _facts(journal):
        yield from facts.get("run", {}).get("files", ())


def _reported(journal: TaskLog) -> Iterator[str]:
    for facts in _facts(journal):
        yield from facts.get("report", {}).get("files", ())


def _facts(journal: TaskLog) -> Iterator[dict[str, dict[str, list[str]]]]:
    for entries in journal.agents.values():
        yield from (e.body["facts"] for e in entries if e.kind == "result")
