"""The first turns of a task and of its workers, and what is left out of them when there is too much."""

from __future__ import annotations

import pytest

from agents.briefing import files_line, request_context
from agents.conversation import UserTurn
from agents.journal import Entry
from tasks.message import ThreadAddress
from tasks.run.attachments import Attached
from tasks.run.opening import opening
from tasks.run.thread import Surroundings
from tasks.store.notes import Note
from tasks.task import State, Task

TASK = Task(
    id="t1", thread=ThreadAddress("T1", "C1", "1.0"), message_ts="2.0", user="U1", user_name="Ana",
    request="Plan it by tomorrow 5pm", files=(), state=State.RUNNING, attempt=1, created_at=1_796_076_000.0,
)  # fmt: skip


def turns(around: Surroundings, before: list[str] | None = None) -> list[str]:
    note = Note(number=1, text="Amounts are in EUR", user_name="Bo")
    found = opening(
        TASK,
        (),
        sizes={"plan.csv": 12},
        attached=Attached(["[Attached]"]),
        around=around,
        before=before or (),
        pinned=[note],
    )
    return [turn.text for turn in found if isinstance(turn, UserTurn)]


@pytest.mark.parametrize(
    ("zone", "here"),
    [
        ("Pacific/Auckland", "; for Ana Tuesday, 2026-12-01 11:00 (Pacific/Auckland)"),
        ("", ""),
        ("Mars/Olympus", ""),
        ("../../etc/passwd", ""),
    ],
)
def test_the_request_has_the_time_of_its_author(zone: str, here: str) -> None:
    (request,) = turns(Surroundings(zone=zone, place="#launch"))

    assert request == (
        "Ana: Plan it by tomorrow 5pm\n\n"
        f"[Asked on Monday, 2026-11-30 22:00 UTC{here}; in #launch.]\n[Attached]\n"
        "[Files in /work: plan.csv (12 bytes)]\n"
        "[Notes that people pinned in this channel, for every task here:\n1. Amounts are in EUR (by Bo)\n]"
    )


def test_of_much_talk_the_first_and_the_newest_messages_stay() -> None:
    material, _ = turns(Surroundings(left_out=3), [f"Bo: {number} {'x' * 1000}" for number in range(100)])

    said = [line.split()[1] for line in material.splitlines() if line.startswith("Bo: ")]
    assert said == ["0", *map(str, range(62, 100))]
    assert "[… 64 messages left out …]" in material
    assert len(material) < 41_000


def test_a_worker_gets_the_request_as_the_orchestrator_read_it() -> None:
    journal = [
        Entry("opening", {"turns": [{"who": "user", "text": "older"}, {"who": "user", "text": "Ana: Plan"}]})
    ]

    context = request_context(journal, {"a.csv": 3})
    assert context.startswith("Context: this is what the person asked for, word for word.")
    assert context.endswith("\nAna: Plan\n[Files in /work: a.csv (3 bytes)]")
    listed = [
        Entry("opening", {"turns": [{"who": "user", "text": "Ana: Plan\n[Files in /work: a.csv (3 bytes)]"}]})
    ]
    assert request_context(listed, {"a.csv": 3}).count("a.csv") == 1
    assert request_context([], {}) == ""
    long = [Entry("opening", {"turns": [{"who": "user", "text": "Ana: " + "x" * 50_000}]})]
    assert len(request_context(long, {})) < 13_000


def test_many_files_are_counted() -> None:
    line = files_line({f"{number}.csv": number for number in range(60)})

    assert line.endswith("49.csv (49 bytes), and 10 more]")
    assert files_line({}) == ""
