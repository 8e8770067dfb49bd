"""Which programs a brief gets: the code it holds, as given, or ready-made ones that fit its words.

The rules are asked in order and the first that knows something decides.
"""

from __future__ import annotations

import ast
import re

from playground.demo_model import arithmetic, everyday, planner
from playground.demo_model.plots import is_vague, plots
from playground.demo_model.program import Ask, Program, Rule
from playground.demo_model.tables import tables

MOST_RUNS = 6
"""Runs for one brief, however many things it asks for."""

_FENCE = re.compile(r"```(?:([\w+-]*)[ \t]*\n)?(.*?)(?:```|\Z)", re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_PYTHON = ("", "py", "python", "python3")


def choose(objective: str, context: str = "") -> tuple[Program, ...]:
    """The programs for an objective, in order; never none.

    The context, which names the files at hand, decides what the objective leaves open.
    """
    items = () if _FENCE.search(objective) else planner.split(objective).items
    found = [program for item in items or (objective,) for program in _for_item(item, context)]
    return tuple(found[:MOST_RUNS])


def foreign_code(objective: str) -> str:
    """The language of a code block that cannot be run here because it is not Python; else empty."""
    languages = [language.lower() for language, _ in _FENCE.findall(objective)]
    return next((language for language in languages if language not in _PYTHON), "")


def examples() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Requests that between them reach every program, each with the files it expects beside it."""
    return _EXAMPLES


def given(ask: Ask) -> tuple[Program, ...]:
    """Code from the brief, unchanged: its fenced blocks, or inline code that is asked to be run."""
    blocks = [
        body for language, body in _FENCE.findall(ask.text) if language.lower() in _PYTHON and body.strip()
    ]
    if blocks:
        return tuple(Program("Running the code as given", block) for block in blocks)
    if ask.says("run|execute|evaluate"):
        return tuple(
            Program("Running the code as given", code) for code in _INLINE.findall(ask.text) if _is_code(code)
        )
    return ()


_RULES: tuple[Rule, ...] = (given, tables, plots, *everyday.RULES, *arithmetic.RULES)


def _for_item(item: str, context: str) -> tuple[Program, ...]:
    ask, in_context = Ask(item), Ask(f"{item} {context}")
    about_files = tables(in_context) if is_vague(ask) else ()
    return about_files or _first(ask) or _first(in_context) or everyday.anything(ask)


def _first(ask: Ask) -> tuple[Program, ...]:
    return next((programs for rule in _RULES if (programs := rule(ask))), ())


def _is_code(text: str) -> bool:
    """Whether inline code does something; a bare name is more likely the name of something."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    return any(not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Name) for node in tree.body)


_EXAMPLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Execute hello world in Python", ()),
    ("Run this:\n```python\nfor n in range(3):\n    print(n)\n```", ()),
    ("Run `print(6 * 7)`", ()),
    ("Compute the first 20 primes", ()),
    ("List all primes up to 100", ()),
    ("Print the first 15 Fibonacci numbers", ()),
    ("What is 20!?", ()),
    ("Compute the 1000th prime", ()),
    ("Sort 20 random words", ()),
    ("Count the Fridays in 2026", ()),
    ("Estimate pi with 10000 random points", ()),
    ("Roll a die 600 times", ()),
    ("Toss a coin 100 times", ()),
    ("Write a table of the first 5 squares", ()),
    ("Sum and mean of 3, 4.5 and 12", ()),
    ("Sort 3, 1, 2", ()),
    ("Sum the numbers from 1 to 100", ()),
    ("What is 12 * (7 + 1)?", ()),
    ('Reverse "handoff" and count its letters', ()),
    ("Wait 1 second", ()),
    ("Fetch http://127.0.0.1:9/page", ()),
    ("Which Python version and packages are installed?", ()),
    ("Translate the preamble into verse", ()),
    ("Plot a sine wave", ()),
    ("Plot sin(x) and cos(x)", ()),
    ("Plot a damped sine wave and send me the picture", ()),
    ("Draw a parabola", ()),
    ("Draw a logarithm and a square root", ()),
    ("Plot the sigmoid", ()),
    ("Draw a random walk of 300 steps", ()),
    ("Histogram of 2000 normal numbers", ()),
    ("Scatter 100 random points", ()),
    ("Bar chart: apples 3, pears 5, plums 2", ()),
    ("Pie chart of red: 1, green: 2, blue: 3", ()),
    ("Plot three independent random walks (part 2 of 3)", ()),
    ("Describe sales.csv", ("sales.csv",)),
    ("What is the total revenue by region in sales.csv?", ("sales.csv",)),
    ("Plot the revenue in sales.csv", ("sales.csv",)),
    ("Read the attached CSV and tell me which region sold most", ("sales.csv",)),
    ("Analyse the attached CSV and plot the main trends.", ("sales.csv",)),
    ("Average of the columns of the attached table", ("sales.csv",)),
)
