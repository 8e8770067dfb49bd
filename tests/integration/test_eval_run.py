"""`handoff eval` on the real engine with scripted models: one is right, one is wrong on purpose."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agents.orchestrator import AgentDeps
from evals.results import RESULTS, read_results, score_models
from evals.runner import EvalRunner
from evals.sets import read_set
from sandbox.sandbox import Sandbox
from tasks.policy import TaskPolicy
from tests.support.command import start_command
from tests.support.scripted_model import Asked, Call, Fault, Reply, Say, ScriptedModel
from tests.support.team import endpoint_of
from tests.support.timing import TASK_TIMING

TASKS: Sequence[dict[str, object]] = (
    {"id": "sum", "request": "What is 2 + 3?", "check": {"number": 5}},
    {"id": "file", "request": "Read the file.", "files": ["a.txt"], "check": {"contains": ["blue"]}},
    {"id": "then", "request": "First", "then": ["Second"], "check": {"contains": ["blue 5"]}},
    {"id": "asked", "request": "Ask me.", "check": {"asks": True}},
    {"id": "replied", "request": "Ask me.", "reply": "green", "check": {"contains": ["green"]}},
)


async def right(asked: Asked) -> Reply:
    """Does what each task wants."""
    if asked.results:
        return Say(f"You said {asked.results[-1]}: green, blue 5")
    return Call("ask_user", {"question": "Which colour?"}) if "Ask me." in asked.last_user else Say("blue 5")


async def wrong(asked: Asked) -> Reply:
    return Say("I don't know.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set of five tasks."""
    made = tmp_path / "set"
    made.mkdir()
    (made / "a.txt").write_text("blue")
    (made / "tasks.jsonl").write_text("\n".join(map(json.dumps, TASKS)))
    return made


@asynccontextmanager
async def runner(
    folder: Path, model: ScriptedModel, name: str = "m", **more: Any
) -> AsyncIterator[EvalRunner]:
    async with endpoint_of(model) as endpoint:
        deps = AgentDeps(endpoint=endpoint, sandbox=Sandbox(ready=0), model=name, worker_model=name)
        policy = TaskPolicy(timing=TASK_TIMING)
        out = folder.with_name("out")
        yield EvalRunner(eval_set=read_set(folder), deps=deps, folder=out, policy=policy, **more)


async def test_a_right_model_scores_1_and_a_wrong_one_0(folder: Path) -> None:
    for name, script in (("right", right), ("wrong", wrong)):
        async with ScriptedModel(script) as model, runner(folder, model, name) as run:
            assert await run.run()
    scores = score_models(read_results(folder.with_name("out") / RESULTS))
    assert [(one.model, one.score, one.tasks) for one in scores] == [("right", 1.0, 5), ("wrong", 0.0, 5)]
    assert scores[0].tokens > 0
    traces = folder.with_name("out") / "traces" / "right"
    assert len(list(traces.iterdir())) == 6, "one for each request"
    assert "Which colour?" in (traces / "asked-1-1.json").read_text()


async def test_a_run_goes_on_where_it_was_cut_and_repeats(folder: Path) -> None:
    first = asyncio.Event()
    async with ScriptedModel(right) as model, runner(folder, model, at_once=1) as run:
        run.on_result = lambda _: first.set()
        running = asyncio.create_task(run.run())
        await first.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    done = {one.key for one in read_results(run.folder / RESULTS)}
    assert 1 <= len(done) < 5
    async with ScriptedModel(right) as model, runner(folder, model, repeat=2) as run:
        assert await run.run()
    results = read_results(run.folder / RESULTS)
    assert len(results) == len({one.key for one in results}) == 10
    assert all(one.passed for one in results)


async def test_a_model_that_stops_answering_in_the_middle_is_a_wrong_answer(
    folder: Path,
) -> None:
    async def dies(asked: Asked) -> Reply:
        return Fault(401) if "Read the file" in asked.last_user else await right(asked)

    async with ScriptedModel(dies) as model, runner(folder, model) as run:
        assert await run.run()
    failed = [one for one in run.results if not one.passed]
    assert [(one.id, one.state) for one in failed] == [("file", "failed")]
    assert failed[0].why


async def test_the_budget_ends_a_run_and_a_broken_check_ends_nothing(folder: Path) -> None:
    async with ScriptedModel(right) as model, runner(folder, model, at_once=1, budget=0.0) as run:
        assert not await run.run()
        assert run.results == []
    lines = [{**TASKS[0], "check": {"python": "a.txt"}}, TASKS[1]]
    (folder / "tasks.jsonl").write_text("\n".join(map(json.dumps, lines)))
    async with ScriptedModel(right) as model, runner(folder, model) as run:
        (folder / "a.txt").write_bytes(b"\xff blue")  # no Python, and no UTF-8
        assert await run.run()
    assert {one.id: (one.passed, one.error) for one in run.results} == {
        "sum": (False, True), "file": (True, False),
    }  # fmt: skip


def environment(model: ScriptedModel, tmp_path: Path, sandbox_image: str) -> dict[str, str]:
    """A command's, with this model and a data folder of its own."""
    return {
        **{name: os.environ[name] for name in os.environ if not name.startswith(("HANDOFF_", "OPENAI_"))},
        "OPENAI_BASE_URL": model.base_url, "HANDOFF_DATA_DIR": str(tmp_path / "data"),
        "HANDOFF_SANDBOX_IMAGE": sandbox_image, "HANDOFF_SANDBOX_POOL": "0",
    }  # fmt: skip


async def test_a_killed_command_goes_on_with_what_has_no_result(
    folder: Path, sandbox_image: str, tmp_path: Path
) -> None:
    begun, killed = asyncio.Event(), asyncio.Event()

    async def slow(asked: Asked) -> Reply:
        if "Read the file" in asked.last_user:
            begun.set()
            await killed.wait()
        return await right(asked)

    words = ("eval", "run", str(folder), "--tasks", "2", "--at-once", "1", "--json")
    async with ScriptedModel(slow) as model:
        settings = environment(model, tmp_path, sandbox_image)
        command = await start_command(*words, environment=settings)
        await begun.wait()
        command.kill()
        await command.communicate()
        killed.set()
        results = tmp_path / "data" / "evals" / "set" / RESULTS
        assert [one.id for one in read_results(results)] == ["sum"]
        command = await start_command(*words, environment=settings)
        out, err = await command.communicate()
    assert command.returncode == 0, err.decode()
    assert json.loads(out)["models"][0]["tasks"] == 2
    assert [(one.id, one.passed) for one in read_results(results)] == [("sum", True), ("file", True)]
    assert sum("What is 2 + 3?" in asked.last_user for asked in model.requests) == 1


async def test_the_command_runs_a_set_and_compares_it_with_an_earlier_run(
    folder: Path, sandbox_image: str, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier.jsonl"
    was = {"model": "m", "id": "sum", "passed": False, "state": "answered", "answer": "", "seconds": 1}
    earlier.write_text(json.dumps({**was, "tokens": 1}) + "\n")
    async with ScriptedModel(right) as model:
        settings = environment(model, tmp_path, sandbox_image)
        words = ("eval", "run", str(folder), "--tasks", "2", "--json", "--against", str(earlier))
        command = await start_command(*words, environment=settings)
        out, err = await command.communicate()
        assert command.returncode == 0, err.decode()
        found = json.loads(out)
        assert (found["models"][0]["score"], found["models"][0]["tasks"]) == (1.0, 2)
        assert found["changes"] == ["sum: 0% → 100%"]
        assert (tmp_path / "data" / "evals" / "set" / "scores.png").read_bytes().startswith(b"\x89PNG")

        (folder / "tasks.jsonl").write_text("{broken\n[]")
        broken = await start_command("eval", "run", str(folder), environment=settings)
        _, err = await broken.communicate()
        assert broken.returncode == 2
        assert "line 1: it is no JSON" in err.decode()
        assert "line 2: " in err.decode()

        question = {"id": 0, "question": "?", "constraints": "", "format": "@blue[x]", "file_name": "a.txt"}
        (folder / "da-dev-questions.jsonl").write_text(json.dumps(question))
        (folder / "da-dev-labels.jsonl").write_text(json.dumps({"id": 0, "common_answers": [["blue", "1"]]}))
        imports = ("eval", "import", "dabench", str(folder), "--out", str(tmp_path / "new"))
        imported = await start_command(*imports, environment=settings)
        out, err = await imported.communicate()
    assert imported.returncode == 0, err.decode()
    assert "has 1 tasks; 0 have no check" in out.decode()
    assert [task.id for task in read_set(tmp_path / "new").tasks] == ["dabench-0"]
