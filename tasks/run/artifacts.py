"""Which files in a task's `/work` are delivered: files that a report or the answer names, and pictures.

Pictures that came out of an attachment are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import PurePosixPath

from agents.report import relative_path
from sandbox.workspace import Workspace
from tasks.store.log import TaskLog
from tasks.task import Outcome, OutputFile

_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg"}


async def output_files(journal: TaskLog, workspace: Workspace, outcome: Outcome) -> list[OutputFile]:
    """The files in the order in which runs made them and tools returned them, with their present contents."""
    made = dict.fromkeys(chain(_paths(journal, "run"), _paths(journal, "kept")))
    reported = {relative_path(path) for path in _paths(journal, "report")}
    named = {path for path in made if path in reported or names(outcome.text, path)}
    pictures = {path for path in made if PurePosixPath(path).suffix.lower() in _PICTURES} - named
    wanted = named | pictures - await workspace.unpacked(pictures)
    files = (await workspace.snapshot()).files
    return [OutputFile(path=path, data=files[path]) for path in made if path in wanted and path in files]


def names(text: str, path: str) -> bool:
    """Whether `text` names a file: its path or its last part as a whole word.

    A name without a suffix may be a word of any sentence, so that it counts only as code or after `/work/`.
    """
    last = PurePosixPath(path).name
    if PurePosixPath(path).suffix:
        whole = rf"(?<![\w./-])(?:(?:/work/|\./)?{re.escape(path)}|{re.escape(last)})(?![\w/-]|\.\w)"
    else:
        whole = rf"`(?:{re.escape(path)}|{re.escape(last)})`|(?<!\w)/work/{re.escape(path)}(?![\w/-]|\.\w)"
    return re.search(whole, text) is not None


def _paths(journal: TaskLog, fact: str) -> Iterator[str]:
    """The files that results of one kind (`run`, `kept` or `report`) list, over all agents.

    Second looks are left out: what they make is not the result.
    """
    created = (entry.body for entry in journal.agents.get("", ()) if entry.kind == "worker")
    looks = {body["worker"] for body in created if "checks" in body}
    for agent, entries in journal.agents.items():
        for entry in entries:
            if entry.kind == "result" and agent not in looks:
                yield from entry.body["facts"].get(fact, {}).get("files", ())
