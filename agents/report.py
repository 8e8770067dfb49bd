"""A worker's report: its own words, beside facts and a warning that the system derives from its journal."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agents.conversation import Json
from agents.journal import Entry
from text.excerpt import excerpt, one_line

#: Characters of evidence and of open points, and files, that the orchestrator reads.
_MAX_TEXT, _MAX_FILES = 4_000, 100
#: The summary of a worker that was stopped before it wrote anything.
NO_RESULT = "The work was cut before there was a result."
_PRINTED = "Its last program printed:\n{}"
ReportStatus = Literal["done", "partial", "blocked", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A worker's account of its brief: the arguments of its tool `report`, and so the form in the log."""

    status: str
    summary: str
    evidence: str = ""
    files: tuple[str, ...] = ()
    open_points: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the system measured."""

    runs: int = 0
    failed_runs: int = 0
    calls: int = 0
    """Calls of the team's tools that returned a result."""
    turns: int = 0
    tokens: int = 0
    cost: float | None = None
    """USD, where the price of every reply is known."""
    seconds: float = 0.0
    last_run: str = ""
    """Status of the newest run; empty when nothing was run."""
    files: tuple[str, ...] = ()
    """All files that its runs left in `/work`, or that its tools returned."""

    @classmethod
    def measured(cls, entries: Sequence[Entry], *, seconds: float) -> Facts:
        """Derive the facts from a worker's journal."""
        runs = [
            e.body["facts"]["run"] for e in entries if e.kind == "result" and "run" in e.body.get("facts", {})
        ]
        results = [e.body["facts"] for e in entries if e.kind == "result" and e.body.get("facts")]
        kept = [facts["kept"] for facts in results if "kept" in facts]
        replies = [e.body for e in entries if e.kind == "reply"]
        asked = [e.body for e in entries if e.kind in ("reply", "context") and "usage" in e.body]
        return cls(
            runs=len(runs),
            calls=sum("tool" in facts for facts in results),
            failed_runs=sum(run["status"] != "ok" for run in runs),
            turns=len(replies),
            tokens=sum(body["usage"]["input"] + body["usage"]["output"] for body in asked),
            cost=total_cost(body.get("cost") for body in asked),
            seconds=round(seconds, 1),
            last_run=runs[-1]["status"] if runs else "",
            files=tuple(dict.fromkeys(path for one in (*runs, *kept) for path in one["files"])),
        )


def total_cost(costs: Iterable[float | None]) -> float | None:
    """The sum, or None when one part is not known."""
    known = list(costs)
    return sum(cost for cost in known if cost is not None) if None not in known else None


def reached_hosts(bodies: Iterable[Json]) -> tuple[str, ...]:
    """The hosts that answered requests of programs, by the bodies of a journal's entries, each once."""
    return tuple(dict.fromkeys(one["host"] for one in requests_in(bodies) if not one["refusal"]))


def requests_in(bodies: Iterable[Json]) -> list[Json]:
    """The records of requests in the bodies of a journal's entries: `sandbox.egress.policy.EgressRequest`."""
    return [one for body in bodies for one in body.get("facts", {}).get("requests", ())]


def printed(entries: Sequence[Entry]) -> str:
    """What the last program of a worker that ran well has printed, in words; empty where there is none."""
    results = [entry.body for entry in reversed(entries) if entry.kind == "result"]
    runs = [body["text"] for body in results if body["facts"].get("run", {}).get("status") == "ok"]
    output = runs[0].partition("stdout:\n")[2].strip() if runs else ""
    return _PRINTED.format(excerpt(output, _MAX_TEXT)) if output else ""


def relative_path(path: str) -> str:
    """A file's path relative to `/work`, from a model's spelling of it."""
    return posixpath.normpath(path.strip()).removeprefix("/work/")


#: Words of one who says that a program has run.
_CLAIM = re.compile(
    r"\b(ran|executed|printed|prints|outputs?|computed|calculated|verified|tested|exit code|stdout|"
    r"ausgeführt|berechnet|exécuté|calculé|ejecutad[oa]|calculad[oa])\b|运行|执行|计算|実行|計算",
    re.IGNORECASE,
)
#: Words of a brief that calls for a program.
_CALLS_FOR_CODE = re.compile(
    r"\b(run|execute|compute|calculate|python|code|script|program|plot|chart|draw|simulate|"
    r"berechne|führe|zeichne|calcule[rz]?|exécute[rz]?|calcula|ejecuta)\b|运行|执行|计算|画|実行|計算",
    re.IGNORECASE,
)


def calls_for_code(text: str) -> bool:
    """Whether a brief or a request asks for a program, by its words."""
    return _CALLS_FOR_CODE.search(text) is not None


_UNPROVEN = (
    "You have run nothing, and your words speak of runs or have figures that are not in your brief or the "
    "request. Get them by execute_python_code, then report. If nothing in the brief needs a run, report "
    "again as you did."
)
_FIGURE = re.compile(r"\d[\d.,]*\d")


def unproven(text: str, brief: str, request: str = "") -> bool:
    """Whether words of a worker that has run nothing need a run: they claim one, or the brief calls for code
    and they have figures that neither the brief nor the request has."""
    return _CLAIM.search(text) is not None or (
        calls_for_code(brief) and _has_new_figures(text, brief, request)
    )


def _has_new_figures(text: str, *given: str) -> bool:
    """Whether the text has figures of two digits and more that no given text has."""
    return not set(_FIGURE.findall("\n".join(given))).issuperset(_FIGURE.findall(text))


def has_evidence(entries: Sequence[Entry]) -> bool:
    """Whether a worker has run a program, called a tool of the team or seen a picture."""
    results = [entry.body for entry in entries if entry.kind == "result"]
    return any(body.get("facts", {}).keys() & {"run", "tool"} or body.get("pictures") for body in results)


def objection(report: Report, brief: str, request: str, entries: Sequence[Entry]) -> str:
    """What is wrong with the report of a worker that has run nothing, for the worker; empty for others."""
    if has_evidence(entries) or report.status not in ("done", "partial"):
        return ""
    return _UNPROVEN if unproven(f"{report.summary}\n{report.evidence}", brief, request) else ""


def refusal(report: Report, brief: str, request: str, entries: Sequence[Entry]) -> str:
    """Why a call of `report` is refused: it stands beside calls whose results its writer could not know, or,
    once, it has an objection. Empty when it is taken."""
    replies = [entry.body["calls"] for entry in entries if entry.kind == "reply"]
    if any(call["name"] != "report" for call in replies[-1]):
        return "a report comes alone, after the results of all your calls. Read these results, then report."
    is_again = any(call["name"] == "report" for calls in replies[:-1] for call in calls)
    return "" if is_again else objection(report, brief, request, entries)


def warning(report: Report, facts: Facts, brief: str = "", request: str = "") -> str:
    """Where the report and the facts disagree; empty when they agree."""
    has_run = facts.runs or facts.calls
    claims = f"{report.summary}\n{report.evidence}"
    unmade = [f for f in report.files if relative_path(f) not in facts.files]
    if report.status == "done" and facts.last_run not in ("", "ok"):
        return f"its last run ended with {facts.last_run}"
    has_claims = report.evidence or _CLAIM.search(claims) or _has_new_figures(claims, brief, request)
    if report.status in ("done", "partial") and not has_run and has_claims:
        return "it ran nothing, so what it says of runs and figures has no source"
    if report.status == "done" and not report.summary.strip():
        return "its summary is empty"
    if unmade:
        return f"it names files that no run of its made: {one_line(', '.join(unmade), 1000)}"
    return ""


def report_to_json(
    worker: str, report: Report, facts: Facts, *, brief: str = "", request: str = "", second_look: str = "",
    advice: str = "",
) -> str:  # fmt: skip
    """The result of `create_worker`: one line of JSON. `advice` comes from the system."""
    body: Json = {
        "worker": worker,
        "status": report.status,
        "summary": report.summary,
        "evidence": excerpt(report.evidence, _MAX_TEXT),
        "files": [f"/work/{relative_path(f)}" for f in (report.files or facts.files)[:_MAX_FILES]],
        "open_points": excerpt(report.open_points, _MAX_TEXT),
        "facts": {
            "runs": facts.runs,
            "failed_runs": facts.failed_runs,
            **({"tool_calls": facts.calls} if facts.calls else {}),
            "turns": facts.turns,
            "tokens": facts.tokens,
            "seconds": facts.seconds,
        },
        "warning": warning(report, facts, brief, request),
        "second_look": second_look,
        "advice": advice,
    }
    return json.dumps(
        {key: value for key, value in body.items() if value not in ("", [])}, ensure_ascii=False
    )


def report_from_json(body: Mapping[str, Any]) -> Report:
    """Read a stored report."""
    return Report(**{**body, "files": tuple(body.get("files", ()))})
