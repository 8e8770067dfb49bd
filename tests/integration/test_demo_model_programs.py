"""The demo model's programs that need numpy, pandas or matplotlib, in the real sandbox. Needs Docker."""

from __future__ import annotations

from pathlib import Path

import pytest

from playground.demo_model import programs
from playground.demo_model.program import Program
from sandbox.job import Status
from tests.support.demo_talk import EXAMPLES
from tests.support.sandboxes import RunCode

PAGE = Path(__file__).parents[2] / "playground" / "page"
SALES = (PAGE / "sample.csv").read_bytes()
NEEDS_LIBRARIES = [
    (text, files) for text, files in EXAMPLES if files or "matplotlib" in str(programs.choose(text))
]


async def output_of(run_code: RunCode, program: Program, files: dict[str, bytes]) -> str:
    run = await run_code(program.code, files=files)
    assert (run.status, run.stderr) == (Status.OK, ""), run.stderr
    files |= run.contents()
    return run.stdout


@pytest.mark.parametrize(("request_", "names"), NEEDS_LIBRARIES)
async def test_programs_run_one_after_the_other(
    run_code: RunCode, request_: str, names: tuple[str, ...]
) -> None:
    files = dict.fromkeys(names, SALES)
    for program in programs.choose(request_):
        assert (await output_of(run_code, program, files)).strip()
    assert any(name.endswith(".png") for name in files) == ("savefig" in str(programs.choose(request_)))


@pytest.mark.parametrize(
    ("request_", "printed"),
    [
        ("Which region sold most in sales.csv?", "most units: North with 694"),
        ("the average price by product in sales.csv", "Desk     244.0"),
        ("the total of the attached table", "sum of units: 1311"),
        ("how many units are in sales.csv", "count of units: 16"),
    ],
)
async def test_questions_about_a_table_are_answered_from_it(
    run_code: RunCode, request_: str, printed: str
) -> None:
    _, compute = programs.choose(request_)
    assert printed in await output_of(run_code, compute, {"sales.csv": SALES})


async def test_all_attached_tables_are_summed(run_code: RunCode) -> None:
    files = {f"{number:02}.csv": f"units,price\n{number},2\n1,2\n".encode() for number in range(1, 21)}
    _, compute = programs.choose("sum the columns of these files", f"Files in /work: {', '.join(files)}")
    printed = await output_of(run_code, compute, files)
    assert "sum of units: 230 in 20 files" in printed
    assert all(f"{number:02}.csv: units {number + 1}" in printed for number in range(1, 21))


async def test_excel_json_and_tabs_are_read_too(run_code: RunCode) -> None:
    write = "import pandas as pd; t = pd.read_csv('a.csv'); t.to_excel('t.xlsx'); t.to_json('t.json')"
    write += "; t.to_csv('t.tsv', sep='\\t')"
    files = {"a.csv": SALES}
    run = await run_code(write, files=files)
    files |= run.contents()
    for name in ("t.xlsx", "t.json", "t.tsv"):
        (look,) = programs.choose(f"describe {name}")
        assert f"{name}: 16 rows" in await output_of(run_code, look, files)


async def test_without_a_table_the_reason_is_a_sentence(run_code: RunCode) -> None:
    (look,) = programs.choose("describe the attached CSV")
    run = await run_code(look.code)
    assert run.status is Status.ERROR
    assert (
        run.stderr.strip() == "There is no table among the files here. Attach a CSV, TSV, Excel or JSON file."
    )
