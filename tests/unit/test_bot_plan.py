"""The rows people see: one per worker, exact statuses, plain words, nothing shown twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agents.events import Event, Notice, PlanChanged, PlanStep, WorkerEnded, WorkerStarted, WorkerStep
from bot.thread.plan import FIELD_LIMIT, Plan

WORKERS, TEXT = st.sampled_from(["w1", "w2", "w3"]), st.text(max_size=400)
STEP = st.builds(PlanStep, TEXT, st.sampled_from(["pending", "in_progress", "complete", "error"]))
EVENTS = st.lists(
    st.builds(WorkerStarted, WORKERS, TEXT)
    | st.builds(WorkerStep, WORKERS, TEXT)
    | st.builds(WorkerEnded, WORKERS, st.sampled_from(["done", "partial", "blocked", "failed", "odd"]), TEXT)
    | st.builds(Notice, TEXT)
    | st.builds(PlanChanged, st.lists(STEP, max_size=5).map(tuple)),
    max_size=30,
)


def _plan(*events: Event) -> Plan:
    plan = Plan()
    for event in events:
        plan.apply(event)
    return plan


@given(EVENTS, st.booleans())
def test_slack_takes_every_plan(events: list[Event], answered: bool) -> None:
    plan = _plan(*events)
    plan.note_silence(60)
    for _ in range(2):
        chunks = plan.chunks()
        rows = [chunk for chunk in chunks if chunk["type"] == "task_update"]
        assert len({row["id"] for row in rows}) == len(rows)
        for chunk in chunks:
            assert all(0 < len(chunk[name]) <= FIELD_LIMIT for name in ("title", "output") if name in chunk)
        assert {row["status"] for row in rows} <= {"pending", "in_progress", "complete", "error"}
        plan.close("Done", answered=answered)
    assert not {row.status for row in plan.rows} & {"pending", "in_progress"}


def test_a_step_becomes_the_row_of_the_worker_that_takes_it() -> None:
    plan = _plan(
        PlanChanged((PlanStep("Count the apples", "pending"), PlanStep("Draw a chart", "pending"))),
        WorkerStarted("w1", "Draw the chart"),
        WorkerStep("w1", "Running a program"),
    )

    assert [(row.title, row.status) for row in plan.rows] == [
        ("Count the apples", "pending"),
        ("Draw the chart", "in_progress"),
    ]
    assert plan.chunks()[2]["title"] == "Draw the chart · Running a program"


def test_results_are_shown_without_marks() -> None:
    plan = _plan(WorkerStarted("w1", "Say hello"), WorkerEnded("w1", "done", "It printed:\n```\nHello\n```"))

    assert plan.chunks()[1]["output"] == "It printed: Hello"
    assert "```" not in plan.as_text()


def test_a_new_plan_leaves_no_row_that_looks_as_if_someone_works_on_it() -> None:
    plan = _plan(
        PlanChanged(tuple(PlanStep(text, "pending") for text in ("one", "two", "three"))),
        PlanChanged((PlanStep("four", "pending"),)),
    )

    assert plan.rows[0].title == "four"
    assert [(row.title, row.status) for row in plan.rows[1:]] == [
        ("Dropped: two", "complete"),
        ("Dropped: three", "complete"),
    ]
    assert len({row.id for row in plan.rows}) == 3


def test_a_worker_that_starts_again_keeps_its_row() -> None:
    plan = _plan(
        WorkerStarted("w1", "Count"), WorkerEnded("w1", "failed", "no"), WorkerStarted("w1", "Count")
    )

    assert [(row.id, row.status) for row in plan.rows] == [("w1", "in_progress")]


def test_two_steps_of_the_same_words_are_two_rows() -> None:
    once, twice = (PlanStep("Think", "pending"),), (PlanStep("Think", "pending"),) * 2
    plan = _plan(PlanChanged(once), PlanChanged(twice), PlanChanged(twice))

    assert len({row.id for row in plan.rows}) == len(plan.rows) == 2


def test_a_long_silence_is_reported() -> None:
    plan = _plan(WorkerStarted("w1", "Simulate"))
    plan.note_silence(60)
    plan.note_silence(60)

    assert plan.title == "Working on it · 2 min since the last step"
    plan.apply(WorkerStep("w1", "Thinking"))
    assert plan.title == "Working on it"
