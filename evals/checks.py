"""Checks of an answer. A check says whether the answer is right, and in a sentence why not."""

from __future__ import annotations

import csv
import fnmatch
import io
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pydantic

from agents.figures.numerals import numerals
from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """What a check found. With `error` the check itself failed, and the answer counts as neither."""

    passed: bool
    why: str = ""
    error: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """An answer with the files that came with it, by path."""

    answer: str
    files: Mapping[str, bytes]
    asked: bool = False
    """Whether the answer is a question to the person."""


class Check(pydantic.BaseModel, extra="forbid", frozen=True):
    """All conditions that are set have to hold."""

    equals: str | None = None
    """The whole answer; case, spaces and marks around it don't count."""
    contains: tuple[str, ...] = ()
    """Each of these is in the answer, in any case."""
    lacks: tuple[str, ...] = ()
    """None of these is."""
    number: float | None = None
    """One of the answer's numbers is this one, without its sign, rounded to the digits shown."""
    tolerance: float = 0.0
    """How far the number may be off."""
    regex: str | None = None
    """Found in the answer, in any case."""
    table: str | None = None
    """A CSV file of the set: a CSV file of the answer has its rows, in any order, numbers within 0.01."""
    image: str | None = None
    """A pattern of names, such as `*.png`: the answer has such a picture of at least 200 × 150 pixels."""
    python: str | None = None
    """A program of the set, which runs in the sandbox beside `answer.txt` and the answer's files and raises
    AssertionError for a wrong answer."""
    asks: bool | None = None
    """Whether the answer is a question to the person."""

    @pydantic.field_validator("regex")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"it is no regular expression ({error})") from None
        return pattern

    @pydantic.model_validator(mode="after")
    def _has_condition(self) -> Check:
        if self.model_dump(exclude_defaults=True).keys() <= {"tolerance"}:
            raise ValueError("a check needs a condition, such as contains or number")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """Files of the set that the check needs."""
        return tuple(filter(None, [self.table, self.python]))

    async def judge(
        self, given: Submission, read: Mapping[str, Path], sandbox: Sandbox | None
    ) -> CheckVerdict:
        """The verdict. `read` has the paths of `files`; `sandbox` is needed for `python` only."""
        if why := self._wrong_words(given) or self._wrong_files(given, read):
            return CheckVerdict(False, why)
        if self.python is None:
            return CheckVerdict(True)
        if sandbox is None:
            raise ValueError("a check by a program needs a sandbox")
        return await _run_program(read[self.python].read_text("utf-8"), given, sandbox)

    def _wrong_words(self, given: Submission) -> str:
        answer = given.answer.casefold()
        if self.asks is not None and given.asked is not self.asks:
            return "it asks nothing" if self.asks else f"it asks: {given.answer[:200]}"
        if self.equals is not None and _bare(given.answer) != _bare(self.equals):
            return f"it is not {self.equals!r}"
        if missing := [one for one in self.contains if one.casefold() not in answer]:
            return f"it lacks {missing[0]!r}"
        if there := [one for one in self.lacks if one.casefold() in answer]:
            return f"it has {there[0]!r}"
        if self.regex is not None and not re.search(self.regex, given.answer, re.IGNORECASE):
            return f"nothing in it matches {self.regex}"
        if self.number is not None and not _has_number(given.answer, self.number, self.tolerance):
            return f"none of its numbers is {self.number:,}"
        return ""

    def _wrong_files(self, given: Submission, read: Mapping[str, Path]) -> str:
        if self.image is not None:
            sizes = [_size(data) for name, data in given.files.items() if fnmatch.fnmatch(name, self.image)]
            if not any(size and size[0] >= 200 and size[1] >= 150 for size in sizes):
                return f"no picture {self.image} of at least 200 × 150 pixels came with it"
        if self.table is not None:
            wanted = _rows(read[self.table].read_bytes())
            tables = [data for name, data in given.files.items() if name.lower().endswith(".csv")]
            if not any(_are_same(wanted, _rows(data)) for data in tables):
                return f"no CSV file with the rows of {self.table} came with it"
        return ""


async def _run_program(code: str, given: Submission, sandbox: Sandbox) -> CheckVerdict:
    run = await sandbox.run(Job(code=code, files={**given.files, "answer.txt": given.answer.encode()}))
    if run.status is Status.OK:
        return CheckVerdict(True)
    last = (run.stderr.strip().splitlines() or [run.sentence])[-1]
    if run.status is Status.ERROR and last.startswith("AssertionError"):
        return CheckVerdict(
            False, last.removeprefix("AssertionError").strip(": ") or "the program refused it"
        )
    return CheckVerdict(False, f"the check failed ({run.status.value}): {last[:300]}", error=True)


def _bare(text: str) -> str:
    return " ".join(text.casefold().split()).strip("*_`'\".! ")


def _has_number(text: str, wanted: float, tolerance: float) -> bool:
    size = abs(wanted)
    for numeral in numerals(text):
        for reading in numeral.readings:
            for number in reading:
                within = max(tolerance, number.step / 2 if number.step < 1 else 0.0) * (1 + 1e-9) + 1e-9
                if abs(number.value - size) <= within:
                    return True
    return False


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or a JPEG; None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    at = 2
    while data.startswith(b"\xff\xd8") and at + 9 <= len(data) and data[at] == 0xFF:
        if 0xC0 <= data[at + 1] <= 0xCF and data[at + 1] not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _rows(data: bytes) -> list[tuple[str, ...]]:
    """A CSV file's rows without the first, sorted; numbers with two decimals, words in lower case."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig", "replace"))))[1:]
    return sorted(tuple(map(_cell, row)) for row in rows if row)


def _cell(text: str) -> str:
    try:
        return f"{float(text):.2f}"
    except ValueError:
        return text.strip().casefold()


def _are_same(wanted: list[tuple[str, ...]], found: list[tuple[str, ...]]) -> bool:
    def close(one: str, other: str) -> bool:
        try:
            return abs(float(one) - float(other)) <= 0.0100001
        except ValueError:
            return one == other

    return len(wanted) == len(found) and all(
        len(a) == len(b) and all(map(close, a, b)) for a, b in zip(wanted, found, strict=True)
    )
