"""The set `office`: its files, and right and wrong answers for each of its checks. Needs Docker."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from evals.checks import Check, CheckVerdict, Submission
from evals.made_files import make_files
from evals.plot import draw_scores
from evals.results import Result, score_models
from evals.sets import EvalSet, missing_files, read_set
from sandbox.sandbox import Sandbox
from scripts.steps import ROOT

OFFICE = ROOT / "evals" / "office"
KINDS = {
    "tables", "files", "plots", "contradictions", "documents", "pictures", "long", "follow-ups", "questions",
    "injections", "nothing", "premises",
}  # fmt: skip


async def made(folder: Path, sandbox: Sandbox) -> EvalSet:
    """A copy of the set with its files."""
    shutil.copytree(OFFICE, folder, ignore=shutil.ignore_patterns("files", "__pycache__"))
    office = read_set(folder)
    await make_files(office, sandbox)
    return office


async def test_right_and_wrong_answers_are_recognized_by_all_checks(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    office = await made(tmp_path / "office", shared_sandbox)
    assert missing_files(office) == ()
    assert len(office.tasks) == 40
    assert {task.kind for task in office.tasks} == KINDS
    lines = (OFFICE / "answers.jsonl").read_text("utf-8").splitlines()
    answers = {body["id"]: body for body in map(json.loads, lines)}
    assert answers.keys() == {task.id for task in office.tasks}
    for task in office.tasks:
        read = {name: office.file(name) for name in task.check.files}
        for wanted in ("right", "wrong"):
            assert answers[task.id][wanted], task.id
            for one in answers[task.id][wanted]:
                files = {name: office.file(of).read_bytes() for name, of in one.get("files", {}).items()}
                given = Submission(one["answer"], files, one.get("asked", False))
                verdict = await task.check.judge(given, read, shared_sandbox)
                assert verdict.passed is (wanted == "right"), f"{task.id}: {one}: {verdict.why}"
                assert not verdict.error

    facts = json.loads(office.file("facts.json").read_text())
    for task in office.tasks:
        if task.kind in ("tables", "long", "follow-ups") and task.check.number is not None:
            assert task.check.number in [*facts.values()], task.id


async def test_a_program_that_raises_is_an_error_of_the_check(
    shared_sandbox: Sandbox, tmp_path: Path
) -> None:
    program = tmp_path / "check.py"
    for code, wanted in (
        ("assert open('answer.txt').read() == 'yes'", CheckVerdict(True)),
        ("assert False, 'too short'", CheckVerdict(False, "too short")),
    ):
        program.write_text(code)
        verdict = await Check(python="check.py").judge(
            Submission("yes", {}), {"check.py": program}, shared_sandbox
        )
        assert verdict == wanted
    program.write_text("1 / 0")
    verdict = await Check(python="check.py").judge(Submission("", {}), {"check.py": program}, shared_sandbox)
    assert verdict.error
    assert "ZeroDivisionError" in verdict.why


async def test_scores_are_drawn(shared_sandbox: Sandbox) -> None:
    results = [
        Result(
            model=model, id="a", passed=passed, state="answered", answer="", seconds=1.5, tokens=10, cost=None
        )
        for model, passed in (("small", False), ("large", True))
    ]
    drawn = await draw_scores(score_models(results), shared_sandbox)
    assert drawn.startswith(b"\x89PNG")
