"""Which programs a request gets, and that they run. Those with numpy or pandas run in the sandbox's tests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from playground.demo_model import programs
from playground.demo_model.program import Program
from tests.support.demo_talk import EXAMPLES

_SCIENCE = ("import numpy", "import pandas", "import matplotlib", "read_bytes()")


def chosen(request: str, context: str = "") -> tuple[Program, ...]:
    return programs.choose(request, context)


def run(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def plain(program: Program) -> bool:
    return not any(name in program.code for name in _SCIENCE)


@pytest.mark.parametrize(("request_", "files"), EXAMPLES)
def test_every_example_gets_programs_that_are_python(request_: str, files: tuple[str, ...]) -> None:
    found = chosen(request_)
    assert found
    for program in found:
        compile(program.code, "program", "exec")
        compile(program.otherwise, "otherwise", "exec")


@pytest.mark.parametrize("request_", [text for text, _ in EXAMPLES if all(map(plain, chosen(text)))])
def test_every_plain_program_runs_and_prints(request_: str, tmp_path: Path) -> None:
    for program in chosen(request_):
        assert run(program.code, tmp_path).strip()


def test_examples_reach_the_plain_and_the_scientific_programs() -> None:
    """So that the two tests above, and the sandbox's, each have something to run."""
    kinds = [all(map(plain, chosen(text))) for text, _ in EXAMPLES]
    assert kinds.count(True) >= 15
    assert kinds.count(False) >= 10


@pytest.mark.parametrize(
    ("request_", "printed"),
    [
        ("Execute hello world in Python", "Hello, World!\n"),
        ("Run ```print(6 * 7)```", "42\n"),
        ("Run this:\n```python\nfor n in range(2):\n    print(n)\n```\nand tell me", "0\n1\n"),
        ("execute `sum(range(4)) or print('x')`", ""),
        ("Compute the first 5 primes", "The first 5 primes:\n2 3 5 7 11\ntheir sum: 28\n"),
        ("primes below 10", "4 primes up to 10:\n2 3 5 7\n"),
        ("Compute the 1000th prime", "prime number 1000 is 7919\n"),
        ("Count the Fridays in 2026", "2026 has 52 Fridays, from 2026-01-02 to 2026-12-25\n"),
        ("first 8 fibonacci numbers", "The first 8 Fibonacci numbers:\n0 1 1 2 3 5 8 13\n"),
        ("What is 20!?", "20! = 2432902008176640000\n"),
        ("What is 12 * (7 + 1)?", "12 * (7 + 1) = 96\n"),
        ("what's 2^10", "2**10 = 1024\n"),
        ("Sum of 1,000 and 2", "numbers: 1000 2\nsum: 1002\n"),
        ("Sum the numbers from 1 to 100", "sum of 1 to 100: 5050\n"),
        ("Sort 3, 1, 2", "numbers: 3 1 2\nsorted: [1, 2, 3]\n"),
        ("first 3 cubes", "1^3 = 1\n2^3 = 8\n3^3 = 27\n"),
    ],
)
def test_the_result_is_computed(request_: str, printed: str, tmp_path: Path) -> None:
    (program,) = chosen(request_)
    assert run(program.code, tmp_path) == printed


def test_600_throws_of_a_die_show_every_face(tmp_path: Path) -> None:
    (program,) = chosen("Roll a die 600 times")
    counts = re.findall(r"(?m)^[1-6]: (\d+)", run(program.code, tmp_path))
    assert sum(map(int, counts)) == 600
    assert len(counts) == 6
    assert "0" not in counts


def test_code_is_run_exactly_as_given() -> None:
    block = "import os\n\nif 1 <2:\n\tprint( 'x' )   # <@U1> &amp; plot a sine; then\n"
    assert [program.code for program in chosen(f"Run:\n```py\n{block}```\nand\n```\nprint(2)\n```")] == [
        block,
        "print(2)\n",
    ]


@pytest.mark.parametrize(
    ("request_", "picture"),
    [
        ("Plot a sine wave", "sine.png"),
        ("plot sin(x) and cos(x)", "sine_and_cosine.png"),
        ("graph x^2", "parabola.png"),
        ("Plot a damped sine wave", "damped_sine.png"),
        ("draw a random walk", "random_walk.png"),
        ("Plot three independent random walks (part 2 of 3)", "random_walk_2.png"),
        ("histogram of 100 normal numbers", "histogram.png"),
        ("bar chart: a 1, b 2", "bars.png"),
    ],
)
def test_a_picture_is_drawn_with_title_and_axes_and_then_checked(request_: str, picture: str) -> None:
    draw, check = chosen(request_)
    assert f"savefig('{picture}'" in draw.code
    assert all(word in draw.code for word in ("title=", "xlabel=", "ylabel="))
    assert picture in check.code


def test_random_words_come_back_sorted(tmp_path: Path) -> None:
    (program,) = chosen("Sort 20 random words")
    made, ordered = (line.split()[1:] for line in run(program.code, tmp_path).splitlines())
    assert len(made) == 20
    assert ordered == sorted(made) != made


def test_parts_of_the_same_request_draw_different_walks() -> None:
    codes = {chosen(f"Plot 3 independent random walks (part {n} of 3)")[0].code for n in (1, 2, 3)}
    assert len(codes) == 3


def test_a_table_is_looked_at_first_and_then_computed_with_and_drawn() -> None:
    found = chosen("What is the total revenue by region in sales.csv? Plot it, too")
    assert [program.purpose for program in found] == [
        "Reading sales.csv",
        "Computing the sum",
        "Drawing the columns",
    ]
    assert found[0].failure == "blocked"


def test_which_sold_most_is_a_ranking() -> None:
    found = chosen("Read the attached CSV and tell me which region sold most")
    assert [program.purpose for program in found] == ["Reading the attached files", "Ranking"]


@pytest.mark.parametrize("request_", ["plot it", "draw a chart", "what is in there, on average?"])
def test_the_files_at_hand_decide_what_words_leave_open(request_: str) -> None:
    assert chosen(request_, "Files in /work: sales.csv")[0].purpose == "Reading sales.csv"


def test_a_curve_by_name_is_not_about_the_file_at_hand() -> None:
    assert chosen("plot a sine", "Files in /work: sales.csv")[0].purpose == "Drawing sine.png"


def test_a_program_without_pandas_reads_a_csv_too(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_bytes("region,revenue\nNord,1\nSüd,2\n".encode("latin-1"))
    assert "3 lines" in run(chosen("describe sales.csv")[0].otherwise, tmp_path)


def test_a_missing_table_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(chosen("describe sales.csv")[0].otherwise, tmp_path)
    assert "Attach a CSV" in caught.value.stderr


def test_several_things_in_one_brief_are_several_runs_within_a_limit() -> None:
    found = chosen("\n".join(f"- the first {n} primes" for n in range(2, 10)))
    assert len({program.code for program in found}) == len(found) == programs.MOST_RUNS


def test_code_in_another_language_is_recognised() -> None:
    assert programs.foreign_code("run\n```bash\nls\n```") == "bash"
    assert programs.foreign_code("run\n```Python\nprint(1)\n```") == ""


def requests_in_the_docs() -> list[str]:
    page = (Path(__file__).parents[2] / "docs" / "playground.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (?:numbers|plots|attached|words|something).*\| (.*) \|$", page)
    return [request for row in rows for request in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize(
    "request_",
    [
        "what's the weather", "make me a PowerPoint", "🎉", "今天天气怎么样？", "ما هو الطقس اليوم؟",
        "Translate the preamble into verse",
        "Was ist die Hauptstadt von Frankreich?", "Was kostet die Fahrkarte?",
        "¿Qué dice el informe?", "Calcule les primes des employés", "Pause um 10 Uhr mit dem Team",
        "I can't wait to see you", "Is the prime minister in town?", "What is a raspberry pi good for?",
        "draw a cat", "Draw conclusions from history", "Book a table for two", "What happened on 2024-11-30?",
        "Are you open 24/7?", "The total cost of 3 laptops for 5 people", "Happy birthday, it's 30!",
        "track my packages", "which version of the contract is signed?", "roll out the release",
    ],
)  # fmt: skip
def test_a_request_that_no_program_fits_gets_none(request_: str) -> None:
    assert chosen(request_) == ()
    assert chosen(request_, "Files in /work: notes.txt") == ()
    assert programs.unfit(f"- {request_}\n- compute the first 20 primes") == (request_,)


@pytest.mark.parametrize(
    "request_", ["what's the weather", "make me a PowerPoint", "Was kostet die Fahrkarte?"]
)
def test_a_table_in_the_thread_is_no_answer_to_everything(request_: str) -> None:
    assert chosen(request_, "Files in /work: sales.csv") == ()


@pytest.mark.parametrize("request_", requests_in_the_docs())
def test_what_the_docs_suggest_has_a_program_that_fits(request_: str) -> None:
    assert chosen(request_)


def test_the_docs_suggest_something() -> None:
    assert len(requests_in_the_docs()) > 10
