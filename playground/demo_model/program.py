"""A program as the worker is to run it, and what a brief says that programs depend on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from string import Template
from textwrap import dedent
from typing import Literal

_FILE = re.compile(
    r"(?i)(?<![\w/.-])(?:/work/)?([\w-][\w.-]*\.(?:csv|tsv|xlsx|json|txt|md|log|png|jpe?g|pdf))\b"
)


@dataclass(frozen=True)
class Program:
    """One run. `otherwise` is a simpler program for the case that this one fails, if there is one."""

    purpose: str
    """What the run is for, as people see it while it runs."""
    code: str
    otherwise: str = ""
    checks: bool = False
    """Whether the run only looks or checks, so that what it prints is evidence and not the result."""
    failure: Literal["failed", "blocked"] = "failed"
    """How a worker reports that it failed: blocked when something was missing from the start."""


@dataclass(frozen=True)
class Prompt:
    """The words that programs are chosen by."""

    text: str

    @property
    def words(self) -> str:
        return self.text.lower()

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers as written, without thousands separators; names of files and of Python hold none."""
        plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", _NAME.sub(" ", _FILE.sub(" ", self.text)))
        return tuple(re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w]|\.\d)", _PART.sub(" ", plain)))

    @property
    def part(self) -> int:
        """Which of several equal parts this is, from 1; it keeps numbers and file names apart."""
        found = _PART.search(self.text)
        return int(found[1]) if found else 1

    @property
    def suffix(self) -> str:
        return f"_{self.part}" if _PART.search(self.text) else ""

    def count(self, default: int) -> int:
        """The first whole number asked for, at least 1. How much is too much is for the sandbox to say."""
        whole = [int(number) for number in self.numbers if number.lstrip("-").isdigit()]
        return max(whole[0] if whole else default, 1)

    def says(self, pattern: str) -> bool:
        return re.search(rf"\b(?:{pattern})\b", self.words) is not None


_NAME = re.compile(r"(?i)\bpython\s*[\d.]+\b")
_PART = re.compile(r"\(part (\d+) of \d+\)")

Rule = Callable[[Prompt], tuple[Program, ...]]
"""A rule answers with the programs that fit, or with none when it has nothing to say."""


def files_named(text: str) -> tuple[str, ...]:
    """The file names in a text, each once, without their folder."""
    return tuple(dict.fromkeys(_FILE.findall(text)))


def code(template: str, **values: object) -> str:
    """A program from its template: `$name` stands for the Python literal of a value."""
    literals = {name: repr(value) for name, value in values.items()}
    return Template(dedent(template).strip() + "\n").substitute(literals)
