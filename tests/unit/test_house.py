"""The house rules of CONTRIBUTING that ruff, mypy and import-linter do not check."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from scripts.steps import ROOT

ROOMS = ("bot", "evals", "tasks", "agents", "sandbox", "text")
#: Our packages; every other import is of a library.
OURS = (*ROOMS, "playground", "scripts")
LONGEST_MODULE = 300
#: Words that make our English hard to read. A few have their place, such as "tell two processes apart". A
#: file's own `tell()` does not count.
WORDS = re.compile(
    r"(?<!\.)\b(tell|told|tells|telling|somebody|nobody|whoever|anew|meanwhile)\b", re.IGNORECASE
)
MOST_WORDS = 25
#: Private modules that may be imported, with the reason.
ALLOWED_PRIVATE = {
    "_socket": "CPython's own socket type: the supervisor saves 2 ms of every start without `socket`",
}


def sources(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def private_imports(tree: ast.Module) -> set[str]:
    """Names and modules of libraries that begin with an underscore."""
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    names = {name for name in found if name.partition(".")[0] not in (*OURS, "__future__")}
    return {name for name in names if any(re.match("_[^_]", part) for part in name.split("."))}


def test_a_class_name_has_one_meaning() -> None:
    places = defaultdict[str, list[str]](list)
    for path in sources(*ROOMS, "playground"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{named(path)}:{node.lineno}")
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_only_public_names_of_libraries_are_imported() -> None:
    used = {named(path): private_imports(parsed(path)) for path in sources(*ROOMS, "playground")}
    allowed = set(ALLOWED_PRIVATE)
    assert {path: names - allowed for path, names in used.items() if names - allowed} == {}


@pytest.mark.parametrize(
    ("code", "private"),
    [
        ("from dbos._queue import worker", {"dbos._queue.worker"}),
        ("from openai import _base", {"openai._base"}),
        ("import ssl._ssl", {"ssl._ssl"}),
        ("from __future__ import annotations\nfrom bot.wire import _x\nfrom os import path", set()),
    ],
)
def test_a_private_import_is_found(code: str, private: set[str]) -> None:
    assert private_imports(ast.parse(code)) == private


def test_modules_fit_on_a_few_screens_and_none_is_called_utils() -> None:
    lengths = {named(path): len(path.read_text("utf-8").splitlines()) for path in sources(*ROOMS)}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_MODULE} == {}
    assert [path for path in lengths if path.endswith("utils.py")] == []


def test_migrations_run_in_the_order_of_their_file_names() -> None:
    newest_first = ScriptDirectory(str(ROOT / "tasks" / "store" / "migrations")).walk_revisions()
    names = [Path(script.path).name for script in newest_first][::-1]
    assert names == sorted(names)
    assert len(names) >= 8


def test_the_english_is_plain() -> None:
    found = {
        f"{named(path)}:{number}": line.strip()
        for path in sources(*ROOMS, "playground", "scripts", "benchmarks")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if WORDS.search(line)
    }
    assert len(found) < MOST_WORDS, "\n".join(f"{place}  {line}" for place, line in found.items())
