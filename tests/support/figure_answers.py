"""Answers with the logs that they stand on, right and wrong, in five languages' forms of numbers.

    python -m tests.support.figure_answers      precision and recall of the check, and what it got wrong

The check was developed on 200: a template names its numbers; a right answer shows them as its language does,
and a wrong one has some of them changed, so that which figures have a source is known. Those that no template
makes are in `tests/data/figure_answers.jsonl`, written by hand. Those of `figure_answers_blind.jsonl` were
written without a look at the rules and measured before they were used: see docs/evaluation.md.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.figures import check_figures
from agents.journal import Entry

WRITTEN = Path(__file__).parents[1] / "data" / "figure_answers.jsonl"
BLIND = WRITTEN.with_name("figure_answers_blind.jsonl")
SEED, ANSWERS = 21, 200
#: A group mark, a decimal mark, a space before the percent sign, and words for a million.
FORMS = {
    "en": (",", ".", "", " million"), "de": (".", ",", " ", " Mio."), "fr": ("\u202f", ",", "\u00a0", " M"),
    "es": (".", ",", " ", " millones"), "ja": (",", ".", "", "M"),
}  # fmt: skip
#: Kinds: i an integer, d two decimals, p a share as a percentage, m millions.
TEMPLATES = {
    "en": (
        "Revenue in Q3 2025 was **${d}**, {p} more than the year before. The north sold {i} units.",
        "1. {i} rows were read, {i} of them are duplicates.\n2. The mean is {d} and the median {d}.",
        "| region | units | share |\n|---|---|---|\n| North | {i} | {p} |\n| South | {i} | {p} |\n\nHalf.",
        "On 30 November 2026 we hold {m} in cash. See `df.head(99)` and <https://x.test/?id=77|this>.",
        "The fit has R² {d}; at 14:30 the load peaked at {i} requests (v1.2.3 of the service).",
    ),
    "de": (
        "Der Umsatz lag am 30.11.2026 bei {d} €, das sind {p} mehr. Verkauft wurden {i} Stück.",
        "1. Gelesen: {i} Zeilen\n2. Davon doppelt: {i}\n\nDer Mittelwert ist {d}, um 9 Uhr waren es {d}.",
        "| Region | Stück | Anteil |\n|---|---|---|\n| Nord | {i} | {p} |\n| Süd | {i} | {p} |",
        "Das Vermögen beträgt {m}; in Schritt 3 steht, warum.",
        "> Im Brief stand 99.999\n\nTatsächlich sind es {i}, also {p}.",
    ),
    "fr": (
        "Le chiffre d'affaires atteint {d} €, soit {p} de plus. {i} unités vendues le 3 mars 2026.",
        "1) {i} lignes lues\n2) {i} doublons\n\nMoyenne : {d}, médiane : {d}.",
        "| Région | Unités | Part |\n|---|---|---|\n| Nord | {i} | {p} |\n| Sud | {i} | {p} |",
        "La trésorerie est de {m}. Le 1er trimestre était plus faible.",
        "Le texte dit « 99 999 », mais le total est {i} ({p}).",
    ),
    "es": (
        "Los ingresos fueron {d} €, un {p} más. Se vendieron {i} unidades el 3 de marzo de 2026.",
        "1. Filas leídas: {i}\n2. Duplicadas: {i}\n\nLa media es {d} y la mediana {d}.",
        "| Región | Unidades | Cuota |\n|---|---|---|\n| Norte | {i} | {p} |\n| Sur | {i} | {p} |",
        "La caja suma {m} en 2026, según la tabla 2.",
        "El 2.º trimestre cerró con {i} pedidos ({p}).",
    ),
    "ja": (
        "2026年11月30日の売上は{d}円で、前年より{p}増えました。販売数は{i}個です。",
        "1. 読み込んだ行は{i}行\n2. 重複は{i}行\n\n平均は{d}、中央値は{d}です。",
        "| 地域 | 数量 | 割合 |\n|---|---|---|\n| 北 | {i} | {p} |\n| 南 | {i} | {p} |",
        "現金は{m}です。詳細は表2を見てください。",
        "手紙には「99,999」とありますが、実際は{i}件（{p}）です。",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FigureAnswer:
    """One answer, what the runs printed and the workers reported, and its figures without a source."""

    answer: str
    request: str
    runs: tuple[str, ...]
    reports: tuple[str, ...]
    found: tuple[str, ...]
    unfound: tuple[str, ...]

    @property
    def agents(self) -> dict[str, list[Entry]]:
        """The logs as the agents would have written them."""
        run = {"status": "ok", "seconds": 0.1, "files": []}
        entries = [
            Entry("result", {"text": f"[ok, exit code 0, 0.10 s]\nstdout:\n{text}", "facts": {"run": run}})
            for text in self.runs
        ]
        for text in self.reports:
            entries.append(Entry("result", {"text": text, "facts": {"report": {"summary": text}}}))
        opening = Entry("opening", {"turns": [{"who": "user", "text": self.request}]})
        worker = Entry("worker", {"worker": "w1", "call": "c1", "title": "Compute"})
        return {"": [opening, worker], "w1": entries}


def figure_answers() -> list[FigureAnswer]:
    """All 200: those written by hand, and templates in turn, each right and wrong."""
    answers = read_answers(WRITTEN)
    chance = random.Random(SEED)
    pairs = [(language, one) for language, several in TEMPLATES.items() for one in several]
    while len(answers) < ANSWERS:
        language, template = pairs[len(answers) % len(pairs)]
        answers.append(_filled(template, language, chance))
    return answers


def read_answers(file: Path) -> list[FigureAnswer]:
    """The answers of a file, one JSON object a line."""
    return [_read(line) for line in file.read_text("utf-8").splitlines()]


def _read(line: str) -> FigureAnswer:
    body = json.loads(line)
    return FigureAnswer(
        body["answer"], body.get("request", ""), tuple(body.get("runs", ())), tuple(body.get("reports", ())),
        tuple(body.get("found", ())), tuple(body.get("unfound", ())),
    )  # fmt: skip


def _filled(template: str, language: str, chance: random.Random) -> FigureAnswer:
    group, decimal, gap, million = FORMS[language]
    kinds = [part[0] for part in template.split("{")[1:]]
    is_wrong = chance.random() < 0.5
    shown: list[str] = []
    printed: list[str] = []
    found: list[str] = []
    unfound: list[str] = []
    for kind in kinds:
        value = chance.uniform(*{"i": (1e3, 9e5), "d": (1e2, 9e4), "m": (1e6, 9e7), "p": (0.02, 0.95)}[kind])
        value = float(round(value)) if kind == "i" else value
        printed.append(str(int(value)) if kind == "i" else repr(value))
        changed = is_wrong and chance.random() < 0.6
        claimed = value * chance.choice((1.07, 0.9, 1.31, 10.0)) if changed else value
        text = {
            "i": _grouped(claimed, 0, group, decimal),
            "d": _grouped(claimed, 2, group, decimal),
            "p": _grouped(claimed * 100, 1, group, decimal) + gap + "%",
            "m": _grouped(claimed / 1e6, 1, group, decimal) + million,
        }[kind]
        shown.append(text)
        (unfound if changed else found).append(text.rstrip("."))
    parts = template.split("{")
    answer = parts[0] + "".join(text + part[2:] for text, part in zip(shown, parts[1:], strict=True))
    output = "\n".join(f"value_{'abcdefgh'[n]} = {text}" for n, text in enumerate(printed))
    return FigureAnswer(answer, "", (output,), (), tuple(found), tuple(unfound))


def _grouped(value: float, decimals: int, group: str, decimal: str) -> str:
    return f"{value:,.{decimals}f}".replace(",", "\0").replace(".", decimal).replace("\0", group)


@dataclass(frozen=True, slots=True)
class Measured:
    """How well figures without a source are recognized."""

    precision: float
    recall: float
    figures: int
    mistakes: Sequence[str]


def measure(answers: Sequence[FigureAnswer]) -> Measured:
    """Check answers. A mistake names the number of the answer and the figure."""
    right = named = wanted = figures = 0
    mistakes = []
    for number, one in enumerate(answers):
        checked = check_figures(one.answer, one.request, one.agents)
        unfound = set(checked.unfound) if checked else set()
        found = {figure.text for figure in checked.found} if checked else set()
        right += len(unfound & set(one.unfound))
        named += len(unfound)
        wanted += len(set(one.unfound))
        figures += len({*one.found, *one.unfound})
        for what, texts in (
            ("flagged", unfound - set(one.unfound)), ("missed", set(one.unfound) - unfound),
            ("no figure", found - set(one.found)), ("not seen", set(one.found) - found),
        ):  # fmt: skip
            mistakes += [f"{number}: {what} {text!r} in {one.answer!r}" for text in sorted(texts)]
    return Measured(right / named, right / wanted, figures, mistakes)


if __name__ == "__main__":
    for name, answers in (("developed on", figure_answers()), ("written blind", read_answers(BLIND))):
        result = measure(answers)
        print(*result.mistakes, sep="\n")
        print(f"{name}: {len(answers)} answers, {result.figures} figures")
        print(f"precision {result.precision:.3f}, recall {result.recall:.3f}")
