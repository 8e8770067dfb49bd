"""Chooses the programs for a brief: the code in it, or ready-made programs that fit its words.

The first rule that returns programs decides.
"""

from __future__ import annotations

import ast
import re

from playground.demo_model import arithmetic, everyday, planner, skills
from playground.demo_model.plots import is_vague, plots
from playground.demo_model.program import Program, Prompt, Rule
from playground.demo_model.tables import tables

MOST_RUNS = 6
"""The most runs for one brief."""

_FENCE = re.compile(r"```(?:([\w+-]*)[ \t]*\n)?(.*?)(?:```|\Z)", re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_PYTHON = ("", "py", "python", "python3")


def choose(objective: str, context: str = "") -> tuple[Program, ...]:
    """The programs for an objective, in order; none if the demo model has none that fits.

    The context names the files at hand and decides what the objective leaves open.
    """
    found = [program for item in _items(objective) for program in _for_item(item, context)]
    return tuple(found[:MOST_RUNS])


def unfit(objective: str, context: str = "") -> tuple[str, ...]:
    """The parts of an objective that no program fits."""
    return tuple(item for item in _items(objective) if not _for_item(item, context))


def _items(objective: str) -> tuple[str, ...]:
    items = () if _FENCE.search(objective) else planner.split(objective).items
    return items or (objective,)


def foreign_code(objective: str) -> str:
    """The language of a code block that is not Python; empty if there is none."""
    languages = [language.lower() for language, _ in _FENCE.findall(objective)]
    return next((language for language in languages if language not in _PYTHON), "")


def given(prompt: Prompt) -> tuple[Program, ...]:
    """The brief's own code, unchanged: fenced blocks, or inline code that it asks to run."""
    blocks = [
        body for language, body in _FENCE.findall(prompt.text) if language.lower() in _PYTHON and body.strip()
    ]
    if blocks:
        return tuple(Program("Running the code as given", block) for block in blocks)
    if prompt.says("run|execute|evaluate"):
        return tuple(
            Program("Running the code as given", code)
            for code in _INLINE.findall(prompt.text)
            if _is_code(code)
        )
    return ()


_RULES: tuple[Rule, ...] = (given, skills.programs, tables, plots, *everyday.RULES, *arithmetic.RULES)


def _for_item(item: str, context: str) -> tuple[Program, ...]:
    prompt, in_context = Prompt(item), Prompt(f"{item} {context}")
    about_files = tables(in_context) if is_vague(prompt) else ()
    return about_files or _first(prompt) or _first(in_context)


def _first(prompt: Prompt) -> tuple[Program, ...]:
    return next((programs for rule in _RULES if (programs := rule(prompt))), ())


def _is_code(text: str) -> bool:
    """Whether inline code does something. A bare name is more likely just a name."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    return any(not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Name) for node in tree.body)
