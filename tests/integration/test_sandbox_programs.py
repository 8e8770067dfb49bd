"""Programs as models write them, each run for real. Needs Docker."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox
from tests.support import programs, programs_with_packages
from tests.support.batches import run_together
from tests.support.programs import SALES, Program

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(programs.PROGRAMS, id="standard library"),
        pytest.param(programs_with_packages.PROGRAMS, id="packages"),
    ],
)
async def test_programs_print_and_leave_what_they_should(
    shared_sandbox: Sandbox, chosen: tuple[Program, ...]
) -> None:
    codes = [program.code for program in chosen]
    data = chosen is programs_with_packages.PROGRAMS
    ended = await run_together(shared_sandbox, codes, {"sales.csv": SALES}, data=data)
    for program, end in zip(chosen, ended, strict=True):
        assert (program.name, end.exit_code, end.stdout) == (program.name, 0, program.prints), end.stderr
        assert (program.name, tuple(sorted(end.files))) == (program.name, program.leaves)
        for name, content in end.files.items():
            _check_form(name, content)


async def test_a_long_output_and_a_figure_arrive(shared_sandbox: Sandbox) -> None:
    code = """
import seaborn as sns, matplotlib.pyplot as plt, pandas as pd
sns.heatmap(pd.DataFrame([[1, 2], [3, 4]]), annot=True)
plt.show()
for n in range(30_000):
    print(n)
"""
    run = await shared_sandbox.run(Job(code=code))
    assert (run.status, sorted(run.contents())) == (Status.OK, ["figure-1.png", "stdout.txt"])
    assert run.contents()["stdout.txt"].decode() == "".join(f"{n}\n" for n in range(30_000))
    _check_form("figure-1.png", run.contents()["figure-1.png"])


async def test_interpreters_that_a_package_starts_find_the_packages_too(shared_sandbox: Sandbox) -> None:
    """joblib's own processes are started with the flags of the interpreter that starts them.

    It shares large arrays with them in a folder, and /tmp has no room for this one.
    """
    code = """
import joblib
import numpy

array = numpy.ones(9_000_000)
print(array.nbytes > 64 << 20)
print(joblib.Parallel(n_jobs=2)(joblib.delayed(numpy.sum)(array, initial=n) for n in range(3)))
"""
    run = await shared_sandbox.run(Job(code=code))
    sums = "[np.float64(9000000.0), np.float64(9000001.0), np.float64(9000002.0)]"
    assert (run.status, run.stdout, run.stderr) == (Status.OK, f"True\n{sums}\n", "")


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
async def test_processes_that_start_again_find_the_program(shared_sandbox: Sandbox, method: str) -> None:
    """They run its file once more, as those of any script do; in /work there is none."""
    code = f"""
import multiprocessing
import os

def square(number):
    return number * number

if __name__ == "__main__":
    with multiprocessing.get_context("{method}").Pool(2) as workers:
        print(workers.map(square, range(4)), os.listdir("/work"))
"""
    run = await shared_sandbox.run(Job(code=code, timeout=30))
    assert (run.status, run.stdout, run.stderr) == (Status.OK, "[0, 1, 4, 9] []\n", "")


def _check_form(name: str, data: bytes) -> None:
    """That a file is what its ending says."""
    match name.rpartition(".")[2]:
        case "png":
            assert data.startswith(PNG)
        case "jpg":
            assert data.startswith(JPEG)
        case "pdf":
            assert data.startswith(b"%PDF-")
        case "svg":
            assert b"<svg" in data
        case "db":
            assert data.startswith(b"SQLite format 3\0")
        case "json":
            json.loads(data)
        case "xlsx" | "zip":
            assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
