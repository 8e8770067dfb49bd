"""Times of a schedule: cron expressions of five fields with time zones, and single times in ISO form.

At a change to daylight saving time cronsim follows Debian's cron: a time that the change leaves out runs
right after it, and one that comes twice runs once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

#: How far ahead an order may begin.
FURTHEST = timedelta(days=2 * 366)
#: Characters of a `when`. The longest cron that says something has some hundred.
_LONGEST = 200
#: Missed runs that are counted; more are "at least so many".
MOST_MISSED = 1_000
#: Gaps between runs that are checked against the least one: all of a day in a schedule of every five minutes.
_CHECKED = 300
_ZONE = re.compile(r"[A-Za-z0-9_+\-/]{1,64}")


class ScheduleError(Exception):
    """A time that can't be scheduled; `str()` is a sentence with the fix."""


def find_zone(name: str) -> ZoneInfo:
    """Raises `ScheduleError` for a zone that is not known here."""
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ScheduleError(
        f"The time zone {name[:64]!r} is not known. Use an IANA name such as Europe/Berlin or UTC."
    )


def check_schedule(when: str, zone: str, now: float, *, minutes: int) -> str:
    """The normal form of a `when`. Raises `ScheduleError` for one that never runs, runs more often than every
    `minutes`, or begins too far ahead."""
    when, place = " ".join(when[: _LONGEST + 1].split()), find_zone(zone)
    if len(when) > _LONGEST:
        raise ScheduleError(f"`when` has more than {_LONGEST} characters.")
    if (once := _once(when, place)) is not None:
        if once.timestamp() <= now:
            raise ScheduleError("This time has passed. Give one in the future.")
        _check_start(once, now)
        return once.isoformat(timespec="minutes")
    runs = list(islice(_runs(when, place, now), _CHECKED))
    if not runs:
        raise ScheduleError("This cron expression never runs.")
    _check_start(runs[0], now)
    least = min((later - earlier for earlier, later in pairwise(_in_utc(runs))), default=None)
    if least is not None and least < timedelta(minutes=minutes):
        raise ScheduleError(f"It would run more often than every {minutes} minutes. Choose fewer times.")
    return when


def next_times(when: str, zone: str, after: float, count: int = 1) -> list[float]:
    """The next times of a checked `when` after a time, in seconds since 1970; fewer where it ends."""
    place = find_zone(zone)
    if (once := _once(when, place)) is not None:
        return [once.timestamp()] if once.timestamp() > after else []
    return [run.timestamp() for run in islice(_runs(when, place, after), count)]


def missed_times(when: str, zone: str, due: float, now: float) -> tuple[float, int]:
    """The latest time up to `now` of a schedule that was due at `due`, and how many earlier ones there were
    from `due` on, counted up to `MOST_MISSED`."""
    place = find_zone(zone)
    if _once(when, place) is not None:
        return due, 0
    count = 0
    for run in _runs(when, place, due):
        if run.timestamp() > now:
            break
        count += 1
        if count == MOST_MISSED:
            break
    # Backwards, so that years of missed runs cost no more than one.
    latest = next(_runs(when, place, int(now) + 1, reverse=True)).timestamp() if count else due
    return latest, count


def is_once(when: str) -> bool:
    return _once(when, ZoneInfo("UTC")) is not None


def _once(when: str, zone: ZoneInfo) -> datetime | None:
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        return None
    try:
        # By way of UTC: a time that a change to daylight saving leaves out becomes the one after it.
        there = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return there.astimezone(UTC).astimezone(zone)
    except OverflowError:
        raise ScheduleError("This time is too far away.") from None


def _runs(when: str, zone: ZoneInfo, after: float, *, reverse: bool = False) -> Iterator[datetime]:
    if len(when.split()) != 5:
        raise ScheduleError(
            "`when` must be a cron expression with five fields, such as `0 8 * * 1-5`, or a time such as "
            "2026-12-24T17:00."
        )
    try:
        return CronSim(when, datetime.fromtimestamp(after, zone), reverse=reverse)
    except CronSimError as error:
        raise ScheduleError(f"`{when}` is no cron expression: {str(error).lower()}.") from None


def _check_start(first: datetime, now: float) -> None:
    if first.timestamp() - now > FURTHEST.total_seconds():
        raise ScheduleError("It would first run in more than two years. Choose an earlier time.")


def _in_utc(runs: list[datetime]) -> list[datetime]:
    """Differences within a zone ignore its changes of offset."""
    return [run.astimezone(UTC) for run in runs]
