from datetime import UTC, datetime, timedelta

import pytest

from gateway.clock import ManualClock
from gateway.hear.airtime import AirTime

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def seconds_after_start(at: datetime) -> float:
    return (at - START).total_seconds()


def clock() -> ManualClock:
    return ManualClock(START, mono_s=500.0)


def test_a_recording_happens_from_the_moment_it_was_opened() -> None:
    now = clock()
    air = AirTime(now, is_live=False)
    now.advance(3.0)
    air.note(100.0, captured_ns=503_000_000_000)
    assert air.at(42.0) == START + timedelta(seconds=42)


def test_jitter_does_not_move_the_start() -> None:
    now = clock()
    air = AirTime(now, is_live=True)
    for frame in range(1, 51):
        late_s = 0.08 if frame % 3 else 0.0
        now.advance(0.1)
        air.note(frame * 0.1, captured_ns=round((now.mono_s + late_s) * 1e9))
    assert seconds_after_start(air.at(2.0)) == pytest.approx(2.0, abs=1e-6)


def test_a_sound_card_with_its_own_second_does_not_drift_away() -> None:
    now = clock()
    air = AirTime(now, is_live=True)
    position_s = 0.0
    for _ in range(36_000):
        now.advance(0.1)
        position_s += 0.1 * (1 - 200e-6)
        air.note(position_s, captured_ns=round(now.mono_s * 1e9))
    assert seconds_after_start(now.wall) == pytest.approx(3600, abs=1e-3)
    assert seconds_after_start(air.at(position_s)) == pytest.approx(3600, abs=0.005)


def test_a_clock_that_is_set_meanwhile_is_followed() -> None:
    now = clock()
    air = AirTime(now, is_live=True)
    now.advance(1.0)
    air.note(1.0, captured_ns=round(now.mono_s * 1e9))
    now.wall += timedelta(hours=1)
    assert air.at(0.5) == START + timedelta(hours=1, seconds=0.5)


def test_lost_audio_shifts_positions() -> None:
    now = clock()
    air = AirTime(now, is_live=True)
    now.advance(1.0)
    air.note(1.0, captured_ns=round(now.mono_s * 1e9))
    now.advance(5.0)
    air.forget()
    air.note(2.0, captured_ns=round(now.mono_s * 1e9))
    assert seconds_after_start(air.at(2.0)) == pytest.approx(6.0)
