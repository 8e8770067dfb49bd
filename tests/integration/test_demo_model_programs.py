"""The demo model's programs that need numpy, pandas or matplotlib, in the real sandbox. Needs Docker."""

from __future__ import annotations

from pathlib import Path

from playground.demo_model import programs
from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox
from tests.support.batches import run_together
from tests.support.demo_talk import EXAMPLES

PAGE = Path(__file__).parents[2] / "playground" / "page"
SALES = (PAGE / "sample.csv").read_bytes()
NEEDS_LIBRARIES = [
    (text, files) for text, files in EXAMPLES if files or "matplotlib" in str(programs.choose(text))
]
TOTALS = (
    ("Which region sold most in sales.csv?", "most units: North with 694"),
    ("the average price by product in sales.csv", "Desk     244.0"),
    ("the total of the attached table", "sum of units: 1311"),
    ("how many units are in sales.csv", "count of units: 16"),
)
NO_TABLE = "There is no table among the files here. Attach a CSV, TSV, Excel or JSON file."


async def test_programs_run_one_after_the_other(shared_sandbox: Sandbox) -> None:
    chosen = [programs.choose(text) for text, _ in NEEDS_LIBRARIES]
    folders = [dict.fromkeys(names, SALES) for _, names in NEEDS_LIBRARIES]
    for step in range(max(map(len, chosen))):
        left = [number for number, found in enumerate(chosen) if step < len(found)]
        codes = [chosen[number][step].code for number in left]
        ended = await run_together(shared_sandbox, codes, [folders[n] for n in left], data=True)
        for number, end in zip(left, ended, strict=True):
            assert (end.exit_code, end.stderr) == (0, ""), NEEDS_LIBRARIES[number]
            assert end.stdout.strip(), NEEDS_LIBRARIES[number]
            folders[number] |= end.files
    for (text, _), found, files in zip(NEEDS_LIBRARIES, chosen, folders, strict=True):
        assert any(name.endswith(".png") for name in files) == ("savefig" in str(found)), text


async def test_questions_about_a_table_are_answered_from_it(shared_sandbox: Sandbox) -> None:
    codes = [programs.choose(text)[1].code for text, _ in TOTALS]
    ended = await run_together(shared_sandbox, codes, {"sales.csv": SALES}, data=True)
    for (text, printed), end in zip(TOTALS, ended, strict=True):
        assert (end.exit_code, end.stderr) == (0, ""), text
        assert printed in end.stdout, text


async def test_tables_of_every_kind_all_that_are_attached_and_none(shared_sandbox: Sandbox) -> None:
    many = {f"{number:02}.csv": f"units,price\n{number},2\n1,2\n".encode() for number in range(1, 21)}
    write = "import pandas as pd; t = pd.read_csv('a.csv'); t.to_excel('t.xlsx'); t.to_json('t.json')"
    write += "; t.to_csv('t.tsv', sep='\\t')"
    written = await shared_sandbox.run(Job(code=write, files={"a.csv": SALES}))
    assert written.status is Status.OK
    kinds = {name: written.contents()[name] for name in ("t.xlsx", "t.json", "t.tsv")}
    _, total = programs.choose("sum the columns of these files", f"Files in /work: {', '.join(many)}")
    looks = [programs.choose(f"describe {name}")[0] for name in kinds]
    (look,) = programs.choose("describe the attached CSV")

    codes = [total.code, *(one.code for one in looks), look.code]
    folders: list[dict[str, bytes]] = [many, *([kinds] * len(kinds)), {}]
    summed, *described, refused = await run_together(shared_sandbox, codes, folders, data=True)

    assert "sum of units: 230 in 20 files" in summed.stdout
    assert all(f"{number:02}.csv: units {number + 1}" in summed.stdout for number in range(1, 21))
    for name, end in zip(kinds, described, strict=True):
        assert (end.exit_code, end.stderr) == (0, ""), name
        assert f"{name}: 16 rows" in end.stdout
    assert (refused.exit_code, refused.stderr.strip()) == (1, NO_TABLE)
