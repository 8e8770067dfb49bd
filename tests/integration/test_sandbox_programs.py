"""Programs as models write them, each run for real. Needs Docker."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox
from tests.support import programs, programs_with_packages
from tests.support.programs import SALES, Program

pytestmark = pytest.mark.asyncio(loop_scope="session")
PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


@pytest.mark.parametrize(
    "program", [*programs.PROGRAMS, *programs_with_packages.PROGRAMS], ids=lambda program: program.name
)
async def test_a_program_prints_and_leaves_what_it_should(shared_sandbox: Sandbox, program: Program) -> None:
    run = await shared_sandbox.run(Job(code=program.code, files={"sales.csv": SALES}))
    assert (run.status, run.sentence) == (Status.OK, ""), run.stderr
    printed = run.contents().get("stdout.txt", b"").decode() or run.stdout
    assert printed == program.prints
    assert tuple(sorted(set(run.files) - {"stdout.txt"})) == program.leaves
    for name, data in run.contents().items():
        _check_form(name, data)


async def test_interpreters_that_a_package_starts_find_the_packages_too(shared_sandbox: Sandbox) -> None:
    """joblib's own processes are started with the flags of the interpreter that starts them."""
    code = """
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

features, classes = make_classification(200, random_state=0)
print(len(cross_val_score(RandomForestClassifier(5), features, classes, n_jobs=2)))
"""
    run = await shared_sandbox.run(Job(code=code))
    assert (run.status, run.stdout, run.stderr) == (Status.OK, "5\n", "")


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
