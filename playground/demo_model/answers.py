"""The demo model's texts. Numbers and outputs in them come from tool results."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from playground.demo_model.picture import SeenPicture

LABEL = (
    "_This is the scripted demo model, which picks ready-made programs by the words of a request; "
    "a real model would understand it, write code of its own and judge what comes back._"
)
"""Part of every answer."""

HELP = (
    "Tell me what you want done and I hand it to workers that run Python in throwaway containers, one for "
    "each independent part. For example: `Execute hello world in Python`, `plot a sine; compute the first 20 "
    "primes; estimate pi`, a fenced block of code, or a CSV file with `the total by region, and plot it`."
)
CANT = "This demo has no language model, so it can't do that. It can do these, for example:"
CANT_PART = "This demo has no language model, so it can't do this."
SKILLS = (
    "Plot a damped sine wave",
    "Compute the first 20 primes",
    "Do two things in parallel: 1. estimate pi, 2. sort 20 random words",
    "Count the Fridays in 2026",
    "Sum the numbers from 1 to 100",
)
"""Requests that the demo model can do. A question takes five options."""
PROPOSED = "Press *Keep* below, and I read that before every later task here."
NO_MEMORY = "I have no tool to remember this. `!note add` keeps a note."
THANKS = "You're welcome."
ASKING = "Before I start: what matters most to you here?"
OPTIONS = ("A quick result", "A thorough result", "A picture of it")
DELIVERABLE = "What the program really printed, and the names of the files it made."
NOTHING_DONE = "Nothing was finished before I had to stop."

CANT_READ = "I can't make out what is in it. A model that sees pictures would answer from it."

_SHOWN = 1_800
"""Characters of one output that an answer shows.

Longer ones would fill the thread; the worker's log has them whole.
"""
_BAD = {"partial": "Only partly done", "blocked": "Could not go on", "failed": "Failed"}


def final(reports: Sequence[tuple[str, str]]) -> str:
    """The final answer, from each worker's title and the result of its call."""
    if not reports:
        return f"{NOTHING_DONE}\n\n{LABEL}"
    sections = [_section(title if len(reports) > 1 else "", result) for title, result in reports]
    return "\n\n".join([*sections, LABEL])


def seen(pictures: Sequence[SeenPicture]) -> str:
    """What the demo model sees of pictures: kind and size."""
    lines = [f"- `{one.name}`: {one.what}" for one in pictures]
    count = "one picture" if len(lines) == 1 else f"{len(lines)} pictures"
    return "\n".join([f"I was shown {count}:", *lines, f"\n{CANT_READ}\n\n{LABEL}"])


def cant() -> str:
    """The answer to a request that no program fits."""
    return "\n".join([CANT, *(f"- `{skill}`" for skill in SKILLS), f"\n{LABEL}"])


def succeeded(result: str) -> bool:
    """Whether a worker reports success, without a warning from the system."""
    report = _report(result)
    return report.get("status") == "done" and not report.get("warning")


def _section(title: str, result: str) -> str:
    report = _report(result)
    heading = f"**{title}**\n" if title else ""
    if not report:
        return f"{heading}Failed: {result.strip() or 'the worker brought no result'}"
    lines = []
    if bad := _BAD.get(str(report.get("status"))):
        lines.append(f"{bad}.")
    lines.append(str(report.get("summary", "")))
    for name, words in (("open_points", "Open"), ("warning", "Warning")):
        lines += [f"{words}: {report[name]}"] if report.get(name) else []
    if files := report.get("files"):
        lines.append("Files: " + ", ".join(f"`{str(path).rpartition('/')[2]}`" for path in files))
    return heading + "\n".join(line for line in lines if line)


def _report(result: str) -> Mapping[str, Any]:
    try:
        found = json.loads(result)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def outputs(runs: Sequence[tuple[str, str]]) -> str:
    """The printed output of each run, by purpose."""
    return "\n".join(
        fenced(printed) if printed else f"{purpose}: nothing was printed." for purpose, printed in runs
    )


def evidence(runs: int, worked: int, printed: Sequence[str]) -> str:
    """The evidence of a report: the number of runs, and the output of those that only checked."""
    if not runs:
        return ""
    return "\n".join([f"{runs} runs, {worked} without an error", *printed])


def failure(purpose: str, why: str, printed: str) -> str:
    """A worker's text about a failed run, with what it printed before it failed."""
    said = f"{purpose} did not work: {_last_line(why) or 'the program ended without saying why'}"
    return f"{said}\nBefore that it printed:\n{fenced(printed)}" if printed else said


def foreign(language: str) -> str:
    """A worker's text about a code block in another language."""
    return f"The code block is {language}, and only Python can be run here."


def fenced(output: str) -> str:
    """An output in a code fence that its own text can't close, shortened if long."""
    short = output if len(output) <= _SHOWN else f"{output[: _SHOWN - 300]}\n…\n{output[-200:]}"
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`{3,}", short)), default=0))
    return f"{ticks}\n{short.strip()}\n{ticks}"


def title(part: str) -> str:
    """A short title for a part of a request."""
    words = re.sub(r"```.*?(?:```|\Z)", "", part, flags=re.DOTALL)
    line = " ".join(words.split()).strip(" :.,;-").replace("`", "")
    if "```" in part and line.count(" ") < 1:
        return "Run the given code"
    return line if len(line) <= 60 else line[:59].rsplit(" ", 1)[0].rstrip(" :.,;-") + "…"


def brief(part: str, shared: str, files: Sequence[str], *, with_deliverable: bool) -> str:
    """A worker's whole brief. `read_brief` parses it."""
    sections = [f"Objective:\n{part}"]
    sections += [f"Context:\n{shared}"] if shared else []
    sections += [f"Files in /work: {', '.join(files)}"] if files else []
    sections += [f"Deliverable: {DELIVERABLE}"] if with_deliverable else []
    return "\n\n".join(sections)


def read_brief(text: str) -> tuple[str, str]:
    """The objective and the rest of a brief. A brief in another format is all objective."""
    found = re.match(
        r"Objective:\n(.*?)(?=\n\n(?:Context:|Files in /work:|Deliverable:)|\Z)", text, re.DOTALL
    )
    if found:
        return found[1], re.sub(r"(?m)^Deliverable:.*$", "", text[found.end() :]).strip()
    return re.sub(r"(?m)^(?:Deliverable|Out of scope):.*$", "", text).strip(), ""


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2].strip()
