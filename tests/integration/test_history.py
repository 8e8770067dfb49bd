"""What a thread's later task knows of the earlier ones, on both databases. No Docker."""

from __future__ import annotations

from pathlib import Path

from tasks.task import State
from tests.support.office import message, office
from tests.support.scripted_model import Call, Roles, Say, ScriptedModel


async def test_a_report_without_a_word_is_no_fault_of_the_next_task(
    database_url: str, tmp_path: Path
) -> None:
    brief = Call("create_worker", {"task_description": "count", "title": "Counting"})
    empty = Call("report", {"status": "failed", "summary": ""})
    script = Roles([brief, Say("It did not work."), Say("As I said.")], [empty])
    async with ScriptedModel(script) as model, office(database_url, model, tmp_path) as desk:
        first = await desk.engine.accept(message("1.0"))
        await desk.until(first.task)
        second = await desk.engine.accept(message("1.1", thread="1.0"))
        task = await desk.until(second.task)

        assert (task.state, task.answer) == (State.ANSWERED, "As I said.")
        assert "Counting (failed): (nothing was said)" in str(model.requests[-1].body)
