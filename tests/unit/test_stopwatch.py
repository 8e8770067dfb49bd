"""The arithmetic of the time that a task was worked on. Needs no services."""

from __future__ import annotations

from tasks.store.stopwatch import Stopwatch


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_work_is_counted_from_the_beginning_of_the_run() -> None:
    clock = Clock()
    watch = Stopwatch(0.0, clock)
    clock.now += 40
    assert watch.read() == 40
    clock.now += 2
    assert (watch.read(), watch.seconds) == (42, 42)


def test_what_is_reported_is_the_time_of_the_newest_entry() -> None:
    clock = Clock()
    watch = Stopwatch(7.0, clock)
    clock.now += 5
    assert watch.seconds == 7, "nothing was written yet in this run"
    watch.read()
    clock.now += 3600
    assert watch.seconds == 12, "an end that is told an hour later took no hour longer"


def test_a_run_goes_on_from_the_earlier_ones_and_not_from_the_clock() -> None:
    first, later = Clock(), Clock()
    before = Stopwatch(0.0, first)
    first.now += 40
    # Two days pass, and another machine's clock stands anywhere.
    later.now = 3.0
    after = Stopwatch(before.read(), later)
    later.now += 10
    assert after.read() == 50
