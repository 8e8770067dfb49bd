"""Which parts a request falls into."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.demo_model.planner import MOST_PARTS, split

SPLIT = [
    ("1. plot a sine\n2. compute 20 primes\n3. say hi", ("plot a sine", "compute 20 primes", "say hi")),
    ("- plot a sine\n- estimate pi", ("plot a sine", "estimate pi")),
    ("Do this: 1) plot a sine 2) estimate pi", ("plot a sine", "estimate pi")),
    ("(a) plot a sine, (b) estimate pi", ("plot a sine", "estimate pi")),
    ("plot a sine; compute 20 primes; estimate pi", ("plot a sine", "compute 20 primes", "estimate pi")),
    ("fetch http://127.0.0.1/a?b=1;c; roll a die", ("fetch http://127.0.0.1/a?b=1;c", "roll a die")),
    (
        "Do three things in parallel: 1. compute the 1000th prime, 2. sort 20 random words, 3. count Fridays",
        ("compute the 1000th prime", "sort 20 random words", "count Fridays"),
    ),
    ("Plot a sine and also estimate pi", ("Plot a sine", "estimate pi")),
    ("Plot a sine\nCompute 20 primes", ("Plot a sine", "Compute 20 primes")),
    ("Plot a sine, list 20 primes and roll a die", ("Plot a sine", "list 20 primes", "roll a die")),
    ("Plot a sine. List 20 primes. Roll a die.", ("Plot a sine", "List 20 primes", "Roll a die.")),
    ("Draw three independent plots: a sine, a pie and a walk", ("a sine", "a pie", "a walk")),
    ("Toss 2 separate coins", ("Toss 2 separate coins (part 1 of 2)", "Toss 2 separate coins (part 2 of 2)")),
]  # fmt: skip
WHOLE = [
    "Execute hello world in Python",
    "generate 100 numbers and plot a histogram",
    "plot a sine; save it as x.png",
    "load the data, compute the mean, plot it",
    "read sales.csv, compute the mean, plot the columns",
    'print "one; two; three"',
    "Here is what I have.\nThe second line explains the first.",
    "In version 3. the 1. item is missing",
    "What is (3.5) and why",
]


@pytest.mark.parametrize(("request_", "parts"), SPLIT)
def test_independent_parts_are_told_apart(request_: str, parts: tuple[str, ...]) -> None:
    assert split(request_).items == parts


@pytest.mark.parametrize("request_", WHOLE)
def test_what_belongs_together_stays_together(request_: str) -> None:
    assert split(request_).items == (request_,)


def test_what_was_said_about_all_parts_is_kept_beside_them() -> None:
    parts = split("For sales.csv, please:\n- the total\n  - by region\n- the mean\n\nBe brief.")
    assert parts.items == ("the total\n  - by region", "the mean")
    assert parts.shared == "For sales.csv, please:\nBe brief."


def test_code_is_never_cut_and_stays_with_its_part() -> None:
    code = "```python\na = 1; b = 2\n\n1. not a list\n```"
    parts = split(f"1. run this: {code}\n2. plot a sine")
    assert parts.items == (f"run this: {code}", "plot a sine")


def test_the_last_worker_does_what_goes_beyond_the_limit() -> None:
    parts = split("\n".join(f"- task {n}" for n in range(11)))
    assert len(parts.items) == MOST_PARTS
    assert parts.items[-1] == "- task 7\n- task 8\n- task 9\n- task 10"


def test_no_words_are_no_parts() -> None:
    assert split(" \n ").items == ()


@given(st.text(max_size=300))
def test_any_text_gives_few_parts_that_are_not_blank(request_: str) -> None:
    parts = split(request_)
    assert len(parts.items) <= MOST_PARTS
    assert all(item.strip() for item in parts.items)
    assert bool(parts.items) == bool(request_.replace("\x00", "").strip())


@given(st.text(alphabet='ab ;.,:-\n"`*12)( and also', max_size=200))
def test_no_word_is_lost(request_: str) -> None:
    """Only marks of a list, separators and joining words may go."""
    parts = split(request_)
    kept = " ".join([*parts.items, parts.shared])
    gone = {"and", "also", "a", "b", "1", "2", "12", "aa", "bb"}
    for word in set(re.findall(r"\w+", request_)) - gone:
        assert word in kept


TASKS = st.sampled_from(
    ["plot a sine", "list 20 primes", "roll a die", "estimate pi", "say `a; b`", 'say "1. x"']
)


@given(
    st.lists(TASKS, min_size=2, max_size=MOST_PARTS), st.sampled_from(["; ", " and also ", "\n- ", "\n2) "])
)
def test_separated_tasks_come_back_as_they_were(tasks: list[str], separator: str) -> None:
    start = separator.lstrip("\n") if separator.startswith("\n") else ""
    assert split(start + separator.join(tasks)).items == tuple(tasks)


@given(st.lists(TASKS, min_size=2, max_size=MOST_PARTS))
def test_a_part_is_not_split_again(tasks: list[str]) -> None:
    for item in split("; ".join(tasks)).items:
        assert split(item).items == (item,)
