"""The second look: a fresh worker finds a worker's result by another way, without its code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agents.journal import Entry
from agents.prompts import prompt
from agents.report import Report, has_evidence, relative_path
from agents.worker import Brief
from text.excerpt import excerpt, one_line

#: Characters of the verdict that the orchestrator reads, and files of the first worker that are named.
_LONGEST, _MOST_FILES = 1_000, 20
#: A person's words that ask for a check of the result, not of a file.
_ASKS = re.compile(
    r"(?P<declined>\b(?:don['’]t|do not|no need to|without|not)\s+(?:\w+\s+)?)?(?:"
    r"\b(?:double|cross|re)[- ]?check|\bsecond (?:look|opinion)\b|"
    r"\b(?:check|verify) (?:it|them)\b(?! (?:for|against|out|into)\b)|"
    r"\b(?:check|verify) (?:this|that)(?= (?:again|twice|once more)\b|\s*(?:[.!?,;]|$))|"
    r"\b(?:check|verify) (?:your|the) (?:work|answers?|results?|numbers|figures|calculations?)\b"
    r"(?! (?:against|for|from|in|of)\b)|"
    r"\b(?:gegen|nach)(?:prüf|rechn)|\b(?:prüfe?|rechne) (?:(?:es|das|sie|bitte) ){0,2}nach\b|"
    r"\bdoppelt (?:ge)?prüf|"
    r"\b(?:re|contre-)vérifi|\bvérifie[rz]?(?:-l[ea]s?\b| (?:tes|vos|les?) (?:résultats?|calculs?)\b)|"
    r"\b(?:verifíca|compruéba|revísa)l[oa]s?\b|\bvuelve a (?:comprobar|verificar)|"
    r"再检查|复核|核对一下|检查一下|验算|検算|再確認|ダブルチェック"
    r")",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTED = re.compile(r"^\s*>.*$", re.MULTILINE)
_VERDICT = re.compile(r"\W*(agrees|differs)\b\W*(.*)", re.IGNORECASE | re.DOTALL)


def is_asked_for(texts: Iterable[str]) -> bool:
    """Whether a person asks for a check in one of the texts, in six languages. Quoted lines don't count."""
    return any(match["declined"] is None for text in texts for match in _ASKS.finditer(_QUOTED.sub("", text)))


def words_of_people(entries: Sequence[Entry]) -> list[str]:
    """The request and the follow-ups that an orchestrator has read."""
    openings = [entry.body["turns"][-1]["text"] for entry in entries if entry.kind == "opening"]
    return openings + [e.body["text"] for e in entries if e.kind == "user" and "inbox" in e.body]


def title_of(first: Brief) -> str:
    """The title of the second worker."""
    return one_line(f"Second look: {first.title}", 80)


def second_brief(worker: str, first: Brief, report: Report, files: Sequence[str]) -> Brief:
    """The brief of the second worker: the first one's brief and summary, without its code or evidence."""
    parts = [prompt("check"), f"# The brief\n{first.text}", f"# The result\n{report.summary}"]
    if made := [f"/work/{relative_path(path)}" for path in (report.files or files)[:_MOST_FILES]]:
        parts.append(f"Files of the result: {', '.join(made)}")
    return Brief(
        worker=worker,
        title=title_of(first),
        text="\n\n".join(parts),
        request=first.request,
    )


def verdict(report: Report, entries: Sequence[Entry]) -> str:
    """`agrees: …` or `differs: …`; `none: …` when the second worker, whose journal has the `entries`, did not
    come to a verdict or looked at nothing."""
    found = _VERDICT.match(report.summary)
    if report.status != "done" or found is None:
        return f"none: the second worker reported {report.status}: {excerpt(report.summary, _LONGEST)}"
    if not has_evidence(entries):
        return "none: the second worker ran nothing"
    return f"{found[1].lower()}: {excerpt(found[2], _LONGEST)}"


def advice(look: str) -> str:
    """What the orchestrator is to do about a verdict."""
    match look.partition(":")[0]:
        case "agrees":
            return "Say in one line of the answer that a second look by another way agrees."
        case "differs":
            return (
                "The second look differs. Find out which is right, with one more worker if you need it, and "
                "name the difference in one line of the answer."
            )
    return "Say in one line of the answer that the result had no second look, and why."
