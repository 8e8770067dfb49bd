"""Whole tasks with the demo model through the public client; their programs really run."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from openai import AsyncOpenAI

from playground.demo_model.answers import CANT, CANT_PART, LABEL, SKILLS
from tests.support.demo_talk import ORCHESTRATOR, TEXT, WORKER, Json, answered, ask, calls, demo, schema, user


def execute(code: str, folder: Path) -> str:
    """Runs a program and formats the result as the real tool does."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True, timeout=30
    )
    status = "ok" if done.returncode == 0 else "error"
    parts = [f"[{status}, exit code {done.returncode}, 0.10 s]", f"stdout:\n{done.stdout}"]
    return "\n".join([*parts, *([f"stderr:\n{done.stderr}"] if done.stderr else [])])


async def work(client: AsyncOpenAI, brief: str, folder: Path) -> Json:
    """A worker's whole life: run what it asks for, until it reports."""
    messages = [user(brief)]
    for _ in range(10):
        message = await ask(client, messages, WORKER)
        ((name, arguments),) = calls(message)
        if name == "report":
            return arguments
        messages += answered(message, await asyncio.to_thread(execute, arguments["code"], folder))
    raise AssertionError("the worker never reported")


async def task(client: AsyncOpenAI, request: str, folder: Path) -> tuple[str, list[list[tuple[str, Json]]]]:
    """A whole task; its answer, and the calls of each of the orchestrator's turns."""
    messages: list[Json] = [{"role": "system", "content": "You lead."}, user(request)]
    turns: list[list[tuple[str, Json]]] = []
    for _ in range(10):
        message = await ask(client, messages, ORCHESTRATOR)
        if not calls(message):
            return message["content"], turns
        turns.append(calls(message))
        results = await asyncio.gather(*(result_of(client, *call, folder) for call in calls(message)))
        messages += answered(message, *results)
    raise AssertionError("the orchestrator never answered")


async def result_of(client: AsyncOpenAI, name: str, arguments: Json, folder: Path) -> str:
    if name == "create_worker":
        report = await work(client, arguments["task_description"], folder)
        return json.dumps({"worker": "w1", **report, "facts": {"runs": 1}})
    return "The plan is shown." if name == "plan" else "A picture of it"


async def test_the_seeds_task_is_one_worker_and_its_real_output(tmp_path: Path) -> None:
    async with demo() as client:
        answer, turns = await task(client, "<@U1HANDOFF> Execute hello world in Python", tmp_path)
    assert [[name for name, _ in turn] for turn in turns] == [["create_worker"]]
    assert "```\nHello, World!\n```" in answer
    assert answer.count(LABEL) == 1


async def test_three_parts_are_a_plan_and_three_workers_in_one_turn(tmp_path: Path) -> None:
    request = "1. compute the first 5 primes\n2. what is 6 * 7\n3. run:\n```python\nprint('x' * 3)\n```"
    async with demo() as client:
        answer, turns = await task(client, request, tmp_path)
    names = [[name for name, _ in turn] for turn in turns]
    assert names == [["plan"], ["create_worker"] * 3, ["plan"]]
    assert [step["status"] for step in turns[0][0][1]["steps"]] == ["pending"] * 3
    assert [step["status"] for step in turns[2][0][1]["steps"]] == ["complete"] * 3
    assert all(
        text in answer for text in ("2 3 5 7 11", "6 * 7 = 42", "xxx", "**compute the first 5 primes**")
    )


async def test_a_brief_holds_the_code_unchanged_the_context_and_the_files() -> None:
    code = "```python\nif 1 < 2:\n\tprint('&amp;')\n```"
    async with demo() as client:
        tools = {"create_worker": schema("task_description", task_description=TEXT)}
        message = await ask(client, [user(f"For sales.csv:\n1. run {code}\n2. plot it")], tools)
        titled = await ask(client, [user(f"Run:\n{code}")], ORCHESTRATOR)
    first = calls(message)[0][1]["task_description"]
    assert list(calls(message)[0][1]) == ["task_description"]
    assert code in first
    assert calls(titled)[0][1]["title"] == "Run the given code"
    assert "For sales.csv" in first
    assert "Files in /work: sales.csv" in first


async def test_a_failing_program_is_said_with_its_error(tmp_path: Path) -> None:
    async with demo() as client:
        answer, turns = await task(client, "Run `print(1 / 0)`; what is 6 * 7", tmp_path)
    assert "Failed." in answer
    assert "ZeroDivisionError: division by zero" in answer
    assert "6 * 7 = 42" in answer
    assert [step["status"] for step in turns[2][0][1]["steps"]] == ["error", "complete"]


async def test_a_failed_program_is_tried_once_in_a_simpler_way(tmp_path: Path) -> None:
    """The venv of the tests has no pandas, which is one way for the first program to fail."""
    (tmp_path / "sales.csv").write_text("region,revenue\nNorth,1\n")
    async with demo() as client:
        messages = [user("Describe sales.csv")]
        first = await ask(client, messages, WORKER)
        failed = "[error, exit code 1, 0.1 s]\nstdout: (nothing was printed)\nstderr:\nImportError: no pandas"
        messages += answered(first, failed)
        second = await ask(client, messages, WORKER)
        code = calls(second)[0][1]["code"]
        assert "pandas" in calls(first)[0][1]["code"]
        assert "pandas" not in code
        messages += answered(second, execute(code, tmp_path))
        ((name, report),) = calls(await ask(client, messages, WORKER))
    assert (name, report["status"]) == ("report", "done")
    assert "2 lines" in report["summary"]
    assert report["evidence"].startswith("2 runs, 1 without an error")


async def test_a_missing_table_blocks_the_worker(tmp_path: Path) -> None:
    async with demo() as client:
        report = await work(client, "Describe the attached CSV", tmp_path)
    assert report["status"] == "blocked"
    assert "Attach a CSV" in report["summary"]


async def test_a_failure_of_the_sandbox_is_reported_in_its_own_words() -> None:
    stopped = "[timeout, 120.00 s]\nStopped after 120 s. Do less.\nstdout:\n1 of 300 s\nstderr:\nsome warning"
    async with demo() as client:
        messages = [user("Wait 300 seconds")]
        messages += answered(await ask(client, messages, WORKER), stopped)
        ((_, report),) = calls(await ask(client, messages, WORKER))
    assert report["status"] == "failed"
    assert "Stopped after 120 s. Do less." in report["summary"]
    assert "1 of 300 s" in report["summary"]


async def test_files_come_from_the_result_of_the_run() -> None:
    async with demo() as client:
        messages = [user("Plot a sine")]
        for printed in ("saved sine.png", "a PNG of 960 x 540 pixels"):
            message = await ask(client, messages, WORKER)
            files = "\nfiles: /work/sine.png" if "saved" in printed else ""
            messages += answered(message, f"[ok, exit code 0, 1.0 s]\nstdout:\n{printed}{files}")
        ((_, report),) = calls(await ask(client, messages, WORKER))
    assert report["files"] == ["sine.png"]
    assert "saved sine.png" in report["summary"]
    assert "960 x 540" in report["evidence"]


async def test_bars_are_shown_as_a_chart_once_they_are_drawn() -> None:
    tools = {**WORKER, "show_chart": schema("kind", kind=TEXT, title=TEXT, data=TEXT)}
    async with demo() as client:
        messages = [user("Bar chart: apples 3, pears 5")]
        for result in ("[ok, exit code 0, 1.0 s]\nstdout:\nsaved", "[ok, exit code 0, 1.0 s]", "Shown."):
            message = await ask(client, messages, tools)
            messages += answered(message, result)
        ((name, chart),) = calls(message)
        ((last, _),) = calls(await ask(client, messages, tools))
    assert (name, last) == ("show_chart", "report")
    assert chart == {"kind": "bar", "title": "Bar", "data": "label,value\napples,3\npears,5"}


async def test_code_in_another_language_is_blocked_without_a_run(tmp_path: Path) -> None:
    async with demo() as client:
        report = await work(client, "Run\n```bash\nls\n```", tmp_path)
    assert report["status"] == "blocked"
    assert report["summary"] == "The code block is bash, and only Python can be run here."


async def test_a_worker_that_cannot_report_ends_in_plain_words() -> None:
    async with demo() as client:
        tools = {"execute_python_code": WORKER["execute_python_code"]}
        messages = [user("Execute hello world")]
        messages += answered(await ask(client, messages, tools), "Hello, World!")
        message = await ask(client, messages, tools)
    assert message["content"] == "```\nHello, World!\n```"


async def test_what_it_cannot_do_is_said_with_buttons_and_the_choice_is_done(tmp_path: Path) -> None:
    messages: list[Json] = [user("what's the weather?")]
    async with demo() as client:
        asking = await ask(client, messages, ORCHESTRATOR)
        ((name, question),) = calls(asking)
        chosen = await ask(client, [*messages, *answered(asking, SKILLS[1])], ORCHESTRATOR)
        words = await ask(client, [*messages, *answered(asking, "plot a sine")], ORCHESTRATOR)
        again = await ask(client, [*messages, *answered(asking, "but the weather")], ORCHESTRATOR)
        without_buttons = {"create_worker": ORCHESTRATOR["create_worker"]}
        plain = await ask(client, messages, without_buttons)
    assert (name, question) == ("ask_user", {"question": CANT, "options": list(SKILLS)})
    assert calls(chosen)[0][1]["title"] == SKILLS[1]
    assert calls(words)[0][1]["title"] == "plot a sine"
    for answer in (again, plain):
        assert not calls(answer)
        assert answer["content"].startswith(CANT)
        assert all(skill in answer["content"] for skill in SKILLS)


async def test_one_part_that_it_cannot_do_is_blocked_beside_the_others(tmp_path: Path) -> None:
    async with demo() as client:
        answer, turns = await task(client, "1. compute the first 5 primes\n2. what's the weather", tmp_path)
        mixed = await work(client, "- what is 6 * 7\n- what's the weather", tmp_path)
    assert [step["status"] for step in turns[2][0][1]["steps"]] == ["complete", "error"]
    assert "2 3 5 7 11" in answer
    assert CANT_PART in answer
    assert mixed["status"] == "partial"
    assert mixed["summary"].endswith(f"{CANT_PART} what's the weather")


@pytest.mark.parametrize("words", ["hi", "Hello there!", "what can you do?", "", "<@U1>", "thanks a lot!"])
async def test_small_talk_needs_no_worker(words: str) -> None:
    async with demo() as client:
        message = await ask(client, [user(words)], ORCHESTRATOR)
    assert not calls(message)
    assert LABEL in message["content"]


async def test_ask_me_first_asks_and_then_hands_the_answer_on(tmp_path: Path) -> None:
    async with demo() as client:
        _, turns = await task(client, "Ask me first: compute the first 3 primes", tmp_path)
    assert [[name for name, _ in turn] for turn in turns] == [["ask_user"], ["create_worker"]]
    assert turns[0][0][1]["options"]
    assert "A picture of it" in turns[1][0][1]["task_description"]
    assert "Ask me first" not in turns[1][0][1]["task_description"]


async def test_again_repeats_the_request_before() -> None:
    history = [user("compute the first 3 primes"), {"role": "assistant", "content": "2 3 5"}]
    async with demo() as client:
        again = await ask(client, [*history, user("again please")], ORCHESTRATOR)
        changed = await ask(client, [*history, user("the same but with 7 primes")], ORCHESTRATOR)
        alone = await ask(client, [user("again")], ORCHESTRATOR)
    assert "compute the first 3 primes" in calls(again)[0][1]["task_description"]
    assert "7 primes (compute the first 3 primes)" in calls(changed)[0][1]["task_description"]
    assert calls(alone)[0][0] == "ask_user"


async def test_a_message_on_the_way_gets_a_worker_and_the_answer_holds_both() -> None:
    def result(summary: str) -> str:
        return json.dumps({"status": "done", "summary": summary})

    async with demo() as client:
        messages = [user("compute the first 3 primes")]
        messages += answered(await ask(client, messages, ORCHESTRATOR), result("2 3 5"))
        messages.append(user("also what is 6 * 7"))
        message = await ask(client, messages, ORCHESTRATOR)
        assert [name for name, _ in calls(message)] == ["create_worker"]
        messages += answered(message, result("42"))
        final = await ask(client, messages, ORCHESTRATOR)
    assert "2 3 5" in final["content"]
    assert "42" in final["content"]


async def test_the_spelled_form_of_messages_is_understood() -> None:
    """As the orchestrator gets them: who speaks, the words, and notes in brackets."""
    history = [user("Ana: compute the first 3 primes"), {"role": "assistant", "content": "2 3 5"}]
    notes = "[Asked on Monday, 2026-11-23 09:00 UTC.]\n[Attached file: /work/my sales.csv, 1,234 bytes]"
    last = user(
        f"Bo Li: plot the revenue: all of it; roll a die\n\n{notes}\n[Files in /work: my sales.csv, b.json]"
    )
    async with demo() as client:
        plan = await ask(client, [*history, last], ORCHESTRATOR)
        messages = [*history, last, *answered(plan, "ok"), user("Ana: also what is 6 * 7")]
        followed = await ask(client, messages, {"create_worker": ORCHESTRATOR["create_worker"]})
        again = await ask(client, [*history, user("Ana: again\n\n[Asked on Monday.]")], ORCHESTRATOR)
        hello = await ask(client, [user("Ana: hello\n\n[Asked on Monday.]")], ORCHESTRATOR)
    assert [step["text"] for step in calls(plan)[0][1]["steps"]] == [
        "plot the revenue: all of it",
        "roll a die",
    ]
    briefs = [arguments["task_description"] for _, arguments in calls(followed)]
    assert all("Files in /work: my sales.csv, b.json" in brief for brief in briefs)
    assert not any("Bo Li" in brief or "Ana" in brief or "Asked on" in brief for brief in briefs)
    assert "first 3 primes" in calls(again)[0][1]["task_description"]
    assert LABEL in hello["content"]


async def test_without_leave_to_call_tools_it_says_what_there_is() -> None:
    async with demo() as client:
        messages = [user("compute the first 3 primes")]
        messages += answered(
            await ask(client, messages, ORCHESTRATOR), '{"status": "partial", "summary": "2 3"}'
        )
        messages.append(user("Stop now: the time is up. Hand back what you have."))
        message = await ask(client, messages, ORCHESTRATOR, tool_choice="none")
        nothing = await ask(client, [user("go")], {})
    assert message["content"].startswith("Only partly done.\n2 3")
    assert nothing["content"] == LABEL


async def test_a_warning_and_open_points_reach_the_reader() -> None:
    warned_report: Json = {"status": "done", "summary": "ok", "warning": "its last run failed"}
    warned_report |= {"open_points": "rounding", "files": ["/work/a.png"]}
    async with demo() as client:
        messages = [user("compute the first 3 primes")]
        messages += answered(await ask(client, messages, ORCHESTRATOR), json.dumps(warned_report))
        final = (await ask(client, messages, ORCHESTRATOR))["content"]
    assert "Warning: its last run failed" in final
    assert "Open: rounding" in final
    assert "Files: `a.png`" in final


async def test_output_with_fences_stays_inside_its_own(tmp_path: Path) -> None:
    async with demo() as client:
        report = await work(client, "Run:\n```\nprint(chr(96) * 3)\n```", tmp_path)
    assert report["summary"] == "````\n```\n````"
