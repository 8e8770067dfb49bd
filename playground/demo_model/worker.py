"""The worker's next turn: the next program, or the report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground.demo_model import answers, plots, programs
from playground.demo_model.conversation import Conversation, MessageEntry, Reply, ToolUse
from playground.demo_model.program import Program, Prompt, files_named

RUN, CHART = "execute_python_code", "show_chart"
#: Below a worker's brief the system repeats the request, which this model's briefs hold already.
_REQUEST = "\n\nContext: this is what the person asked for"
_SECTIONS = re.compile(r"(?m)^(stdout|stderr|files):[ \t]?")


@dataclass(frozen=True)
class ProgramOutcome:
    """The result of a run, parsed from its tool result."""

    ok: bool
    printed: str
    error: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class ProgramProgress:
    """The runs so far, and the next one or the one that failed."""

    runs: tuple[tuple[Program, ProgramOutcome], ...] = ()
    next: ToolUse | None = None
    purpose: str = ""
    failed: Program | None = None


def reply(conversation: Conversation) -> Reply:
    """The next turn of a worker."""
    said = next((entry.text for entry in conversation.task if isinstance(entry, MessageEntry)), "")
    objective, context = answers.read_brief(said.partition(_REQUEST)[0])
    if language := programs.foreign_code(objective):
        return _report(conversation, "blocked", answers.foreign(language), ProgramProgress())
    chosen = programs.choose(objective, context)
    if not chosen:
        return _report(conversation, "blocked", answers.CANT_PART, ProgramProgress())
    progress = _progress(conversation, chosen)
    if progress.next and RUN in conversation.tools:
        return Reply(progress.purpose, (progress.next,))
    if progress.failed:
        last = progress.runs[-1][1]
        why = answers.failure(progress.failed.purpose, last.error, last.printed)
        return _report(conversation, progress.failed.failure, why, progress)
    chart = plots.chart(Prompt(objective))
    if chart and CHART in conversation.tools and not conversation.calls(CHART) and not progress.next:
        return Reply("", (conversation.arguments(CHART, **chart),))
    left = programs.unfit(objective, context)
    status = "partial" if progress.next or left else "done"
    summary = "\n".join([_results(progress), *(f"{answers.CANT_PART} {part}" for part in left)])
    return _report(conversation, status, summary, progress)


def can_do(brief: str) -> bool:
    """Whether there is a program for any of a brief, or a reason why its code can't run."""
    objective, context = answers.read_brief(brief)
    return bool(programs.foreign_code(objective) or programs.choose(objective, context))


def outcome(result: str) -> ProgramOutcome:
    """Parses the result of a run: a status line with sections under it, or plain output."""
    status = result.splitlines()[0] if result.startswith("[") else ""
    pieces = _SECTIONS.split(result)
    sections = _first_of_each(pieces[1:])
    if not status and not sections:
        wrong = result.startswith("Error") or "Traceback (most recent call last)" in result
        return _outcome(not wrong, "" if wrong else result, result if wrong else "", "")
    printed = sections.get("stdout", "")
    printed = "" if printed.strip() == "(nothing was printed)" else printed
    sentence = pieces[0].removeprefix(status).strip()
    stderr = sections.get("stderr", "")
    why = (stderr or sentence if status.startswith("[error") else sentence or stderr) or status
    return _outcome(status.startswith("[ok") or not status, printed, why, sections.get("files", ""))


def _first_of_each(pieces: list[str]) -> Mapping[str, str]:
    sections: dict[str, str] = {}
    for name, text in zip(pieces[::2], pieces[1::2], strict=True):
        sections.setdefault(name, text.strip("\n"))
    return sections


def _outcome(ok: bool, printed: str, error: str, files: str) -> ProgramOutcome:
    return ProgramOutcome(ok, printed.strip("\n"), error.strip(), files_named(files.partition("\n")[0]))


def _progress(conversation: Conversation, chosen: tuple[Program, ...]) -> ProgramProgress:
    """Matches the runs so far with the programs, one by one."""
    waiting = [outcome(call.result or "") for call in conversation.calls(RUN)]
    runs: tuple[tuple[Program, ProgramOutcome], ...] = ()
    for program in chosen:
        for code in (program.code, program.otherwise):
            if not code:
                return ProgramProgress(runs, failed=program)
            if not waiting:
                purpose = program.purpose if code == program.code else f"{program.purpose} in a simpler way"
                return ProgramProgress(runs, ToolUse(RUN, {"code": code}), purpose)
            runs = (*runs, (program, waiting.pop(0)))
            if runs[-1][1].ok:
                break
        else:
            return ProgramProgress(runs, failed=program)
    return ProgramProgress(runs)


def _results(progress: ProgramProgress) -> str:
    worked = [(program, run.printed) for program, run in progress.runs if run.ok]
    results = [(program.purpose, printed) for program, printed in worked if not program.checks]
    return answers.outputs(results) or answers.NOTHING_DONE


def _report(conversation: Conversation, status: str, summary: str, progress: ProgramProgress) -> Reply:
    """The report; plain text if the tool is not available or was called already."""
    if "report" not in conversation.tools or conversation.calls("report"):
        return Reply(summary)
    worked = [run for _, run in progress.runs if run.ok]
    checks = [run.printed for program, run in progress.runs if run.ok and program.checks]
    optional: dict[str, Any] = {
        "evidence": answers.evidence(len(progress.runs), len(worked), checks),
        "files": list(dict.fromkeys(file for run in worked for file in run.files)),
    }
    filled = {name: value for name, value in optional.items() if value}
    return Reply("", (conversation.arguments("report", status=status, summary=summary, **filled),))
