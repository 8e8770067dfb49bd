"""`handoff eval`: sets, checks, results and importers. Needs no services."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pydantic
import pytest

from evals.checks import Check, Submission
from evals.importers import import_set
from evals.results import RESULTS, Result, append_result, changes, read_results, score_models, table
from evals.sets import EvalSet, InvalidSet, missing_files, read_set


def result(id_: str, passed: bool, **more: object) -> Result:
    body = {"model": "m", "state": "answered", "answer": "", "seconds": 2.0, "tokens": 100, "cost": 0.5}
    return Result.model_validate({**body, "id": id_, "passed": passed, **more})


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", width, height)


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (Check(equals="North"), " **north**. ", "South"),
        (Check(contains=("north", "12")), "North: 12", "North"),
        (Check(lacks=("pineapple",)), "fine", "Pineapple"),
        (Check(number=1234.5), "1.234,50 €", "1,235"),
        (Check(number=1234.5, tolerance=1), "1,235", "1,237"),
        (Check(number=0.1234), "0.12", "0.13"),
        (Check(number=-5), "down by 5", "6"),
        (Check(regex="april|apr\\b"), "in April", "in May"),
    ],
)
async def test_a_check_by_words(check: Check, right: str, wrong: str) -> None:
    assert (await check.judge(Submission(right, {}), {}, None)).passed
    verdict = await check.judge(Submission(wrong, {}), {}, None)
    assert not verdict.passed
    assert verdict.why


async def test_checks_of_files_and_of_questions(tmp_path: Path) -> None:
    (tmp_path / "wanted.csv").write_text("region,value\nNorth,1.00\nSouth,2.50\n")
    read = {"wanted.csv": tmp_path / "wanted.csv"}
    same, other = b"Region,Value\nsouth,2.5\nnorth,1\n", b"region,value\nNorth,1\n"
    check = Check(table="wanted.csv")
    assert (await check.judge(Submission("", {"out.csv": same}), read, None)).passed
    assert not (await check.judge(Submission("", {"out.csv": other}), read, None)).passed
    image = Check(image="*.png")
    assert (await image.judge(Submission("", {"a.png": png(400, 300)}), {}, None)).passed
    for files in ({}, {"a.png": png(20, 20)}, {"a.png": b"text"}, {"a.txt": png(400, 300)}):
        assert not (await image.judge(Submission("", files), {}, None)).passed
    asks = Check(asks=True)
    assert (await asks.judge(Submission("Who?", {}, asked=True), {}, None)).passed
    assert not (await asks.judge(Submission("Done.", {}), {}, None)).passed


@pytest.mark.parametrize("body", [{}, {"tolerance": 1}, {"regex": "("}, {"number": "x"}, {"what": 1}])
def test_a_check_that_can_judge_nothing_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(pydantic.ValidationError):
        Check.model_validate(body)


def test_all_broken_lines_of_a_set_are_named(tmp_path: Path) -> None:
    good = {"id": "a", "request": "Add.", "check": {"number": 3}}
    lines = [
        json.dumps(good), "{broken", json.dumps({**good, "id": "b", "check": {}}), json.dumps({"id": "c"}),
        json.dumps(good), "", json.dumps({**good, "id": "../x"}),
    ]  # fmt: skip
    (tmp_path / "tasks.jsonl").write_text("\n".join(lines))
    with pytest.raises(InvalidSet) as refused:
        read_set(tmp_path)
    said = "\n".join(refused.value.problems)
    for number in (2, 3, 4, 5, 7):
        assert f"line {number}:" in said
    assert "line 1:" not in said
    with pytest.raises(InvalidSet, match="can't be read"):
        read_set(tmp_path / "nowhere")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    task = {"id": "a", "request": "Add.", "files": ["x.csv"], "check": {"table": "y.csv"}}
    (tmp_path / "tasks.jsonl").write_text(json.dumps(task))
    assert [one.rpartition(" names ")[2] for one in missing_files(read_set(tmp_path))] == [
        "x.csv, which is not there.",
        "y.csv, which is not there.",
    ]


def test_results_survive_a_kill_in_the_middle_of_a_line(tmp_path: Path) -> None:
    file = tmp_path / RESULTS
    append_result(file, result("a", True))
    with file.open("a") as lines:
        lines.write('{"model": "m", "id": "b", "pas')
    assert [one.id for one in read_results(file)] == ["a"]
    append_result(file, result("b", False))
    assert [one.id for one in read_results(file)] == ["a", "b"]


def test_scores_spread_and_changes() -> None:
    results = [
        result("a", True), result("b", False), result("a", True, repeat=2), result("b", True, repeat=2),
        result("a", False, model="n", cost=None), result("b", False, model="n", error=True),
    ]  # fmt: skip
    best, other = score_models(results)
    assert (best.model, best.score, best.tasks, best.cost) == ("m", 0.75, 4, 2.0)
    assert best.spread == pytest.approx(0.3536, abs=1e-4)
    assert (other.score, other.errors, other.cost) == (0.0, 1, None)
    assert "75.0%" in table([best, other])
    assert "unknown" in table([best, other])
    assert changes(results[:2], [result("a", False), result("b", False)]) == ["a: 0% → 100%"]


def test_dabench_is_imported(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "set"
    (source / "da-dev-tables").mkdir(parents=True)
    (source / "da-dev-tables" / "t.csv").write_text("a\n1\n")
    question = {"id": 0, "question": "Mean?", "constraints": "c", "format": "@mean[x]", "file_name": "t.csv"}
    (source / "da-dev-questions.jsonl").write_text(
        json.dumps(question) + "\n" + json.dumps({**question, "id": 1, "file_name": "gone.csv"})
    )
    (source / "da-dev-labels.jsonl").write_text(json.dumps({"id": 0, "common_answers": [["mean", "1.00"]]}))
    assert import_set("dabench", source, target) == (1, 1)
    imported = read_set(target)
    assert imported.tasks[0].check.contains == ("@mean[1.00]",)
    assert missing_files(imported) == ()


def test_dacode_is_imported(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "set"
    for folder in ("configs/task", "source/dm-csv-001", "gold/dm-csv-001"):
        (source / "da_code" / folder).mkdir(parents=True)
    tasks = [{"id": "dm-csv-001", "type": "dm", "instruction": "Do."}, {"id": "ml-001", "instruction": "No."}]
    (source / "da_code/configs/task/all.jsonl").write_text("\n".join(map(json.dumps, tasks)))
    (source / "da_code/source/dm-csv-001/in.csv").write_text("a\n1\n")
    (source / "da_code/gold/dm-csv-001/result.csv").write_text("a\n1\n")
    assert import_set("dacode", source, target) == (1, 1)
    imported: EvalSet = read_set(target)
    assert imported.tasks[0].files == ("dm-csv-001/in.csv",)
    assert missing_files(imported) == ()


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSet, match="da-dev-questions"):
        import_set("dabench", tmp_path, tmp_path / "set")
