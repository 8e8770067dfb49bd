"""What people read in Slack: listed in one module for each room, in plain words, and written nowhere else."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bot.controls import texts as controls_texts
from bot.intake import texts as intake_texts
from bot.orders import texts as orders_texts
from bot.thread import texts as thread_texts
from scripts.steps import ROOT

ROOMS: dict[str, ModuleType] = {
    "intake": intake_texts, "thread": thread_texts, "controls": controls_texts, "orders": orders_texts,
}  # fmt: skip
SAMPLES: dict[str, Any] = {
    "str": "Ada", "int": 3, "float": 1.5, "bool": True, "Sequence[str]": ("first", "second"),
}  # fmt: skip
_STILTED = re.compile(r"\b(told|tells|somebody|whoever|anew|meanwhile)\b|\bit was \w+ed\b|are the limit")
#: Functions whose arguments people read.
SINKS = {"whisper", "post", "_respond", "context_block", "_section", "_header", "FileNotFetched", "button"}


def _all() -> Iterator[tuple[str, str]]:
    for room, module in ROOMS.items():
        for name, value in vars(module).items():
            if isinstance(value, str) and not name.startswith("__"):
                yield f"{room}.{name}", value
            elif inspect.isfunction(value):
                yield f"{room}.{name}", _sample(value)


def _sample(function: Callable[..., str]) -> str:
    parameters = inspect.signature(function).parameters
    return function(**{name: SAMPLES[str(one.annotation)] for name, one in parameters.items()})


TEXTS = dict(_all())


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_short_plain_and_whole(name: str) -> None:
    text = TEXTS[name]
    assert text == text.strip() or name == "thread.dropped"
    assert 0 < len(text) <= 700
    assert not _STILTED.search(text)
    assert not re.search(r"[{}]|  ", text)
    assert max(map(len, re.split(r"[.!?:](?:\s|$)", text))) <= 160, "a sentence of this length is read twice"


def test_there_are_as_many_texts_as_people_can_meet() -> None:
    assert len(TEXTS) > 100


@pytest.mark.parametrize("room", ROOMS)
def test_no_other_module_writes_to_people(room: str) -> None:
    found = [
        f"{path.name}:{node.lineno}: {words}"
        for path in (ROOT / "bot" / room).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _name(node.func) in SINKS
        for words in _literals([*node.args, *(keyword.value for keyword in node.keywords)])
    ]
    assert found == []


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _literals(arguments: list[ast.expr]) -> Iterator[str]:
    for argument in arguments:
        pieces = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
        for piece in pieces:
            if (
                isinstance(piece, ast.Constant)
                and isinstance(piece.value, str)
                and " " in piece.value.strip()
            ):
                yield piece.value


def test_the_rooms_are_those_that_write_to_people() -> None:
    assert {path.parent.name for path in Path(ROOT / "bot").glob("*/texts.py")} == set(ROOMS)
