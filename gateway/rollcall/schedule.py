"""When a roll-call begins by itself: days, a window, and a moment drawn inside it (暗拉). Pure.

The moment is a function of the station's seed, the schedule's name and the day, so that a restart neither
holds a roll-call twice nor draws again until a convenient time comes up, and nobody who does not know the
seed can tell it beforehand.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A recurring roll-call on a radio. `days` count from 0, Monday; a window belongs to the day it opens on.

    With `is_random` it begins at a drawn moment of the window, otherwise at its beginning. A window that ends
    before it begins ends on the day after.
    """

    name: str
    radio: str
    days: frozenset[int]
    begins: time
    ends: time
    is_random: bool = False

    @property
    def length_s(self) -> float:
        """Length of the window in seconds; a whole day when both ends are the same."""
        seconds = _seconds(self.ends) - _seconds(self.begins)
        return float(seconds if seconds > 0 else seconds + 86_400)


@dataclass(frozen=True, slots=True)
class Occasion:
    """One roll-call that a schedule asks for: to begin at `at`, and not at all after `until`."""

    name: str
    radio: str
    day: date
    at: datetime
    until: datetime

    @property
    def key(self) -> str:
        """What is remembered once it was held, or given up."""
        return f"{self.name}/{self.radio}/{self.day.isoformat()}"


def occasion(schedule: Recurrence, day: date, seed: str, zone: datetime) -> Occasion | None:
    """Return what a schedule asks for on a day, None when it is not one of its days.

    Args:
        schedule: which.
        day: the day its window begins on.
        seed: the station's own.
        zone: any time in the zone that the window is meant in.
    """
    if day.weekday() not in schedule.days:
        return None
    begins = datetime.combine(day, schedule.begins, zone.tzinfo)
    share = _share(f"{seed}/{schedule.name}/{day.isoformat()}") if schedule.is_random else 0.0
    offset_s = float(int(share * schedule.length_s))
    until = begins + timedelta(seconds=schedule.length_s)
    return Occasion(schedule.name, schedule.radio, day, begins + timedelta(seconds=offset_s), until)


def due(
    schedules: Iterable[Recurrence], now: datetime, seed: str, done: Collection[str]
) -> tuple[Occasion, ...]:
    """Return what should have begun by `now` and was not, the earliest first; not what is too late."""
    return tuple(one for one in _of_late(schedules, now, seed, done) if one.at <= now < one.until)


def missed(
    schedules: Iterable[Recurrence], now: datetime, seed: str, done: Collection[str]
) -> tuple[Occasion, ...]:
    """Return what could not begin in its window of today or yesterday, the earliest first."""
    return tuple(one for one in _of_late(schedules, now, seed, done) if one.until <= now)


def _of_late(
    schedules: Iterable[Recurrence], now: datetime, seed: str, done: Collection[str]
) -> list[Occasion]:
    """What was asked for yesterday and is today, without what is settled, the earliest first."""
    found = [
        asked
        for schedule in schedules
        for day in (now.date() - timedelta(days=1), now.date())
        if (asked := occasion(schedule, day, seed, now)) is not None and asked.key not in done
    ]
    return sorted(found, key=lambda one: (one.at, one.name, one.radio))


def next_at(schedules: Iterable[Recurrence], now: datetime, seed: str) -> datetime | None:
    """Return when the next roll-call begins by itself after `now`, None when there is no schedule."""
    times = [
        asked.at
        for schedule in schedules
        for days in range(-1, 9)
        if (asked := occasion(schedule, now.date() + timedelta(days=days), seed, now)) is not None
        and asked.at > now
    ]
    return min(times, default=None)


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def _share(of: str) -> float:
    """Draw a number from 0 up to 1, always the same for the same text."""
    drawn = hashlib.sha256(of.encode()).digest()
    return int.from_bytes(drawn[:8], "big") / (1 << 64)
