"""Times of schedules, and patterns of watches: what is refused, daylight saving, missed runs."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.orders.pattern import matches, phrases
from tasks.orders.schedule import (
    MOST_MISSED,
    ScheduleError,
    check_schedule,
    is_once,
    missed_times,
    next_times,
)

NOW = datetime(2026, 12, 1, 7, 0, tzinfo=UTC).timestamp()
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("when", "zone", "why"),
    [
        ("0 0 30 2 *", "UTC", "no cron expression: bad day-of-month"),
        ("0 0 29 2 1", "Mars/Phobos", "time zone 'Mars/Phobos' is not known"),
        ("0 8 * * *", "../../etc/passwd", "is not known"),
        ("* * * * *", "UTC", "more often than every 5 minutes"),
        ("58,0 * * * *", "UTC", "more often than every 5 minutes"),
        ("* * * * * *", "UTC", "five fields"),
        ("9999-01-01T00:00", "UTC", "more than two years"),
        ("9999-12-31T23:59", "America/New_York", "too far away"),
        ("2026-12-01T07:59", "Europe/Berlin", "has passed"),
        ("soon", "UTC", "five fields"),
        ("", "UTC", "five fields"),
        ("1," * 20_000, "UTC", "more than 200 characters"),
        ("99999999999 * * * *", "UTC", "bad minute"),
    ],
)
def test_a_time_that_cannot_be_scheduled_is_refused(when: str, zone: str, why: str) -> None:
    with pytest.raises(ScheduleError, match=why):
        check_schedule(when, zone, NOW, minutes=5)


@given(st.text(max_size=60), st.text(max_size=20))
def test_wild_times_are_refused_or_run(when: str, zone: str) -> None:
    for place in (zone, "UTC"):
        try:
            checked = check_schedule(when, place, NOW, minutes=5)
        except ScheduleError:
            continue
        assert next_times(checked, place, NOW)


def test_a_time_of_the_day_stays_so_over_daylight_saving() -> None:
    after = datetime(2027, 3, 27, 12, tzinfo=UTC).timestamp()
    runs = [datetime.fromtimestamp(at, BERLIN) for at in next_times("0 8 * * *", "Europe/Berlin", after, 2)]
    assert [run.strftime("%d %H:%M %z") for run in runs] == ["28 08:00 +0200", "29 08:00 +0200"]


def test_a_time_that_daylight_saving_leaves_out_runs_once_and_one_that_comes_twice_too() -> None:
    spring = datetime(2027, 3, 27, 12, tzinfo=UTC).timestamp()
    runs = [datetime.fromtimestamp(at, UTC) for at in next_times("30 2 * * *", "Europe/Berlin", spring, 2)]
    assert [run.day for run in runs] == [28, 29]
    autumn = datetime(2027, 10, 30, 12, tzinfo=UTC).timestamp()
    runs = [datetime.fromtimestamp(at, UTC) for at in next_times("30 2 * * *", "Europe/Berlin", autumn, 2)]
    assert [run.day for run in runs] == [31, 1]


def test_one_time_is_kept_in_its_zone() -> None:
    checked = check_schedule("2026-12-24T17:00", "Europe/Berlin", NOW, minutes=5)
    assert checked == "2026-12-24T17:00+01:00"
    assert is_once(checked)
    assert not is_once("0 8 * * *")
    due = next_times(checked, "Europe/Berlin", NOW)[0]
    assert datetime.fromtimestamp(due, UTC).hour == 16
    assert next_times(checked, "Europe/Berlin", due) == []
    assert missed_times(checked, "Europe/Berlin", due, due + 1e6) == (due, 0)


def test_only_the_latest_of_the_missed_times_is_made_up() -> None:
    due = next_times("0 8 * * *", "UTC", NOW)[0]
    assert missed_times("0 8 * * *", "UTC", due, due) == (due, 0)
    assert missed_times("0 8 * * *", "UTC", due, due + 2.5 * 86_400) == (due + 2 * 86_400, 2)
    fifty_years = due + 50 * 365 * 86_400
    latest, missed = missed_times("*/5 * * * *", "UTC", due, fifty_years)
    assert fifty_years - 300 <= latest <= fifty_years
    assert missed == MOST_MISSED


@pytest.mark.parametrize(
    ("pattern", "text", "taken"),
    [
        ("", "anything", True),
        ("error", "An ERROR occurred", True),
        ("error", "a terror", False),
        ("*error", "a terror", True),
        ("deploy*", "Deployment is done", True),
        ("deploy", "Deployment is done", False),
        ("sev 1, sev 2", "new  SEV\n2 incident", True),
        ("sev 1", "sev 12", False),
        ("straße", "STRASSE", True),
        ("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", False),
        ("#42", "see #42.", True),
    ],
)
def test_a_pattern_takes_whole_words_of_any_case(pattern: str, text: str, taken: bool) -> None:
    assert matches(phrases(pattern), text) is taken


@given(st.text(max_size=40), st.text(max_size=200))
def test_a_wild_pattern_raises_nothing(pattern: str, text: str) -> None:
    matches(phrases(pattern), text)
