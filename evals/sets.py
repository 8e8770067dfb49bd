"""A set of tasks: a folder with `tasks.jsonl`, one task for each line, and the files that the tasks name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pydantic

from evals.checks import Check

TASKS = "tasks.jsonl"
#: A program that makes the set's files, in the sandbox, where a set has one.
MAKER = "make.py"
#: The folder of the files that `MAKER` made.
MADE = "files"


class InvalidSet(Exception):
    """The set can't be used; `problems` has a sentence for each fault."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class EvalTask(pydantic.BaseModel, extra="forbid", frozen=True):
    """One task: what a person writes, and how the answer is checked."""

    id: Annotated[str, pydantic.StringConstraints(pattern=r"^[\w.-]{1,80}$")]
    request: Annotated[str, pydantic.StringConstraints(min_length=1)]
    files: tuple[str, ...] = ()
    """Paths in the set's folder."""
    check: Check
    kind: str = ""
    """A word by which results can be grouped, such as `tables`."""
    reply: str = ""
    """The answer to every question that the agents ask. Empty: the first question is the answer."""
    then: tuple[str, ...] = ()
    """Further requests in the same thread, one after the other; the last answer is checked."""


@dataclass(frozen=True, slots=True)
class EvalSet:
    """A set that was read whole."""

    folder: Path
    tasks: tuple[EvalTask, ...]

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    def file(self, name: str) -> Path:
        """A file of the set: as it stands in the folder, or as `MAKER` has made it."""
        made = self.folder / MADE / name
        return made if made.exists() else self.folder / name


def read_set(folder: Path) -> EvalSet:
    """Read a set. Raises `InvalidSet` with all that is wrong with its lines; files are looked for later."""
    try:
        lines = (folder / TASKS).read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InvalidSet((f"{folder / TASKS} can't be read: {why}. Name a folder with that file.",)) from None
    tasks: dict[str, EvalTask] = {}
    problems = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{folder / TASKS}, line {number}"
        try:
            task = EvalTask.model_validate(json.loads(line))
        except json.JSONDecodeError as error:
            problems.append(f"{where}: it is no JSON ({error.msg} at character {error.pos + 1}).")
        except pydantic.ValidationError as error:
            problems += [_sentence(where, one["loc"], one["msg"]) for one in error.errors()[:3]]
        else:
            if task.id in tasks:
                problems.append(f"{where}: the id {task.id} is there twice.")
            tasks[task.id] = task
    if not tasks and not problems:
        problems.append(f"{folder / TASKS} has no tasks.")
    if problems:
        raise InvalidSet(tuple(problems))
    return EvalSet(folder, tuple(tasks.values()))


def missing_files(eval_set: EvalSet) -> tuple[str, ...]:
    """A sentence for each file that a task names and that is not there."""
    return tuple(
        f"{eval_set.folder}: the task {task.id} names {name}, which is not there."
        for task in eval_set.tasks
        for name in (*task.files, *task.check.files)
        if not eval_set.file(name).is_file()
    )


def _sentence(where: str, place: tuple[int | str, ...], message: str) -> str:
    return f"{where}: {'.'.join(map(str, place)) or 'the task'}: {message}."
