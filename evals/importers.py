"""Other people's task sets, made into sets of ours from a folder that a user has fetched.

Their data is copied into the user's own folder and ships with nothing: DABench's is CC BY-NC, DA-Code's MIT.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from evals.sets import TASKS, InvalidSet

LICENCES = {
    "dabench": "InfiAgent-DABench's data is CC BY-NC: use it for research only, and don't pass it on.",
    "dacode": "DA-Code is MIT: keep its LICENSE with what you pass on.",
}


def import_set(kind: str, source: Path, target: Path) -> tuple[int, int]:
    """Write a set into `target`; how many tasks it has, and how many had no check that can be made here.

    Raises `InvalidSet` when `source` is not a folder of that kind.
    """
    target.mkdir(parents=True, exist_ok=True)
    tasks = list(_IMPORTERS[kind](source, target))
    found = [task for task in tasks if task is not None]
    if not found:
        raise InvalidSet((f"{source} has no task of {kind} whose answer can be checked here.",))
    text = "".join(json.dumps(task, ensure_ascii=False) + "\n" for task in found)
    (target / TASKS).write_text(text, "utf-8")
    return len(found), len(tasks) - len(found)


def _dabench(source: Path, target: Path) -> Iterator[Mapping[str, Any] | None]:
    """Answers are `@name[value]`, compared as they stand."""
    questions = _lines(_one(source, "da-dev-questions.jsonl"))
    labels = {str(one["id"]): one["common_answers"] for one in _lines(_one(source, "da-dev-labels.jsonl"))}
    for one in questions:
        file = next(source.rglob(one["file_name"]), None)
        answers = labels.get(str(one["id"]))
        if file is None or not answers:
            yield None
            continue
        shutil.copyfile(file, target / file.name)
        parts = [one["question"], one.get("constraints", ""), f"Answer in this form: {one.get('format', '')}"]
        yield {
            "id": f"dabench-{one['id']}", "kind": str(one.get("level", "")), "files": [file.name],
            "request": "\n\n".join(filter(None, parts)),
            "check": {"contains": [f"@{name}[{value}]" for name, value in answers]},
        }  # fmt: skip


def _dacode(source: Path, target: Path) -> Iterator[Mapping[str, Any] | None]:
    """Tasks with a single CSV file as their gold."""
    tasks = _lines(_one(source, "da_code/configs/task/all.jsonl", "da_code/configs/task/examples.jsonl"))
    for one in tasks:
        given, gold = source / "da_code/source" / one["id"], source / "da_code/gold" / one["id"]
        tables = sorted(gold.glob("*.csv")) if gold.is_dir() else []
        files = sorted(path for path in given.iterdir() if path.is_file()) if given.is_dir() else []
        if len(tables) != 1 or not files:
            yield None
            continue
        folder = target / one["id"]
        folder.mkdir(exist_ok=True)
        for path in files:
            shutil.copyfile(path, folder / path.name)
        shutil.copyfile(tables[0], folder / f"gold-{tables[0].name}")
        yield {
            "id": one["id"], "kind": str(one.get("type", "")), "request": one["instruction"],
            "files": [f"{one['id']}/{path.name}" for path in files],
            "check": {"table": f"{one['id']}/gold-{tables[0].name}"},
        }  # fmt: skip


def _one(source: Path, *names: str) -> Path:
    """The first of these files that is there, at its place or anywhere below."""
    for name in names:
        if found := next(iter([source / name] if (source / name).is_file() else source.rglob(name)), None):
            return found
    raise InvalidSet((f"{source} has no file {' or '.join(names)}. Name the folder that you have fetched.",))


def _lines(file: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    except ValueError as error:
        raise InvalidSet((f"{file} can't be read as lines of JSON ({error}).",)) from None


_IMPORTERS: Mapping[str, Callable[[Path, Path], Iterator[Mapping[str, Any] | None]]] = {
    "dabench": _dabench, "dacode": _dacode,
}  # fmt: skip
