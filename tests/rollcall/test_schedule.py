"""Schedules: each occasion once, inside its window, at a moment that a restart does not change."""

from datetime import date, datetime, time, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rollcall.schedule import Recurrence, due, missed, next_at, occasion

CHINA = timezone(timedelta(hours=8))
MONDAY = datetime(2026, 5, 4, 0, 0, tzinfo=CHINA)
times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
schedules = st.builds(
    Recurrence,
    name=st.sampled_from(["早点名", "夜查"]),
    radio=st.sampled_from(["ch1", "ch2"]),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    begins=times,
    ends=times,
    is_random=st.booleans(),
).filter(lambda one: one.begins != one.ends)
seeds = st.text("0123456789abcdef", min_size=4, max_size=8)


@given(schedules, seeds, st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_an_occasion_lies_in_its_window_and_stays_there(one: Recurrence, seed: str, day: date) -> None:
    asked = occasion(one, day, seed, MONDAY)

    assert (asked is None) == (day.weekday() not in one.days)
    if asked is None:
        return
    opens = datetime.combine(day, one.begins, CHINA)
    assert opens <= asked.at < asked.until <= opens + timedelta(days=1)
    assert asked.until.time() == one.ends
    assert asked.at == opens or one.is_random
    assert asked == occasion(one, day, seed, MONDAY + timedelta(days=3))


@settings(deadline=None, max_examples=40)
@given(schedules, seeds, st.integers(300, 900), st.integers(0, 4000))
def test_a_day_of_looking_finds_each_occasion_once(
    one: Recurrence, seed: str, every_s: int, offset_s: int
) -> None:
    """However often one looks, as long as the window is not slept through."""
    now = MONDAY + timedelta(seconds=offset_s)
    done: set[str] = set()
    held: list[tuple[str, datetime]] = []
    while now < MONDAY + timedelta(days=2):
        for asked in due([one], now, seed, done):
            assert asked.at <= now < asked.until
            held.append((asked.key, now))
            done.add(asked.key)
        now += timedelta(seconds=every_s)
    assert len({key for key, _ in held}) == len(held)
    for days in range(2):
        asked_for = occasion(one, (MONDAY + timedelta(days=days)).date(), seed, MONDAY)
        if asked_for is None or not MONDAY + timedelta(seconds=offset_s) <= asked_for.at:
            continue
        if asked_for.until - asked_for.at > timedelta(seconds=every_s) and (
            asked_for.at < MONDAY + timedelta(days=2, seconds=-every_s)
        ):
            assert asked_for.key in done


@given(schedules, seeds)
def test_what_was_slept_through_is_missed_and_not_held_late(one: Recurrence, seed: str) -> None:
    for hours in range(48, 96):
        now = MONDAY + timedelta(hours=hours)
        late = missed([one], now, seed, frozenset())
        assert all(asked.until <= now for asked in late)
        assert not {asked.key for asked in late} & {asked.key for asked in due([one], now, seed, ())}
        assert missed([one], now, seed, {asked.key for asked in late}) == ()


@given(schedules, seeds)
def test_the_next_time_is_the_first_that_becomes_due(one: Recurrence, seed: str) -> None:
    upcoming = next_at([one], MONDAY, seed)

    assert upcoming is not None
    assert upcoming > MONDAY
    assert due([one], upcoming, seed, ())
    assert upcoming - MONDAY <= timedelta(days=8)


def test_a_drawn_moment_is_spread_over_the_window_and_not_told_by_the_day() -> None:
    one = Recurrence("暗拉", "ch1", frozenset(range(7)), time(8), time(18), is_random=True)
    first = [occasion(one, (MONDAY + timedelta(days=n)).date(), "a", MONDAY) for n in range(200)]
    other = [occasion(one, (MONDAY + timedelta(days=n)).date(), "b", MONDAY) for n in range(200)]
    hours = [asked.at.hour for asked in first if asked is not None]

    assert set(hours) == set(range(8, 18))
    assert (
        sum(a is not None and b is not None and a.at == b.at for a, b in zip(first, other, strict=True)) < 3
    )


def test_a_window_over_midnight() -> None:
    one = Recurrence("夜查", "ch1", frozenset({0}), time(22), time(2), is_random=True)
    asked = occasion(one, MONDAY.date(), "seed-4", MONDAY)

    assert asked is not None
    assert asked.until == datetime(2026, 5, 5, 2, 0, tzinfo=CHINA)
    assert due([one], asked.until - timedelta(seconds=1), "seed-4", ()) == (asked,)
    assert due([one], asked.until, "seed-4", ()) == ()
