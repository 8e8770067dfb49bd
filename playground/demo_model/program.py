"""A program for a worker to run, and the request that programs are chosen by."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from string import Template
from textwrap import dedent
from typing import Literal

from playground.demo_model.language import is_english

_FILE = re.compile(
    r"(?i)(?<![\w/.-])(?:/work/)?([\w-][\w.-]*\.(?:csv|tsv|xlsx|json|txt|md|log|png|jpe?g|pdf))\b"
)


@dataclass(frozen=True)
class Program:
    """One run. `otherwise` is a simpler program to run if this one fails."""

    purpose: str
    """What the run is for. People see it while the program runs."""
    code: str
    otherwise: str = ""
    checks: bool = False
    """Whether the run only checks, so that its output is evidence and not the result."""
    failure: Literal["failed", "blocked"] = "failed"
    """How a worker reports a failure: blocked if something was missing from the start."""


@dataclass(frozen=True)
class Prompt:
    """The words that choose the programs."""

    text: str

    @property
    def words(self) -> str:
        return self.text.lower()

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers as written, without thousands separators.

        Digits in file names and Python versions don't count.
        """
        plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", _NAME.sub(" ", _FILE.sub(" ", self.text)))
        return tuple(re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w]|\.\d)", _PART.sub(" ", plain)))

    @property
    def part(self) -> int:
        """The number of this part among several equal ones, from 1. Random seeds and file names use it."""
        found = _PART.search(self.text)
        return int(found[1]) if found else 1

    @property
    def suffix(self) -> str:
        return f"_{self.part}" if _PART.search(self.text) else ""

    def count(self, default: int) -> int:
        """The first whole number in the request, at least 1. The sandbox limits what is too much."""
        whole = [int(number) for number in self.numbers if number.lstrip("-").isdigit()]
        return max(whole[0] if whole else default, 1)

    def says(self, pattern: str) -> bool:
        """Whether an English text has whole words of the pattern."""
        return is_english(self.text) and re.search(rf"\b(?:{pattern})\b", self.words) is not None


_NAME = re.compile(r"(?i)\bpython\s*[\d.]+\b")
_PART = re.compile(r"\(part (\d+) of \d+\)")

Rule = Callable[[Prompt], tuple[Program, ...]]
"""Returns the programs that fit, or none."""


def files_named(text: str) -> tuple[str, ...]:
    """The file names in a text, each once, without their folder."""
    return tuple(dict.fromkeys(_FILE.findall(text)))


def code(template: str, **values: object) -> str:
    """The program of a template. `$name` becomes the Python literal of a value."""
    literals = {name: repr(value) for name, value in values.items()}
    return Template(dedent(template).strip() + "\n").substitute(literals)
