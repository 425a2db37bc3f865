"""A fault is one event when it begins and one when it is over, whatever happens in between."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.alarms import Alarms
from gateway.clock import IdSource, ManualClock
from gateway.errors import StoreUnavailable
from gateway.events import CloudEvent
from gateway.remedies import is_watched
from gateway.store.store import Store
from gateway.timekeeping import ClockReader

START = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)


def told(folder: Path, scene: Callable[[Alarms, ManualClock, Store], None]) -> list[CloudEvent]:
    events: list[CloudEvent] = []

    async def run() -> None:
        clock = ManualClock(START)
        store = await Store.open(folder, "urn:radio-gateway:a:b:c", clock)
        alarms = Alarms(store, IdSource(clock), clock, ClockReader(clock), events.extend)
        scene(alarms, clock, store)
        await alarms.settle()
        await store.close()

    asyncio.run(run())
    return events


def test_repeats_are_silent_and_the_end_tells_since_when(tmp_path: Path) -> None:
    def scene(alarms: Alarms, clock: ManualClock, _store: Store) -> None:
        for _ in range(100):
            alarms.fault("radio/ch1/source", "unplugged", "plug it in")
            clock.advance(1)
        alarms.recovered("radio/ch1/source")
        alarms.recovered("radio/ch1/source")

    events = told(tmp_path, scene)

    assert sorted(event.kind for event in events) == ["gateway.fault", "gateway.recovered"]
    assert {event.data["since"] for event in events} == {START.isoformat()}


def test_different_faults_are_told_apart(tmp_path: Path) -> None:
    def scene(alarms: Alarms, _clock: ManualClock, _store: Store) -> None:
        alarms.fault("mqtt", "no broker", "start it")
        alarms.fault("units", "bad file", "correct it")
        alarms.recovered("mqtt")
        assert [fault.what for fault in alarms.open] == ["units"]

    assert len(told(tmp_path, scene)) == 3


def test_a_store_that_refuses_is_no_reason_to_fall_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> list[CloudEvent]:
        raise StoreUnavailable("disk full")

    def scene(alarms: Alarms, _clock: ManualClock, store: Store) -> None:
        monkeypatch.setattr(store, "commit", refuse)
        alarms.fault("mqtt", "no broker", "start it")

    assert told(tmp_path, scene) == []


def test_what_was_open_at_a_stop_goes_on_and_ends_after_the_restart(tmp_path: Path) -> None:
    def first(alarms: Alarms, _clock: ManualClock, _store: Store) -> None:
        for what in ("radio/ch1/source", "radio/ch9/source", "mqtt", "units", "model"):
            alarms.fault(what, "gone", "mend it")
        alarms.recovered("mqtt")

    told(tmp_path, first)
    events: list[CloudEvent] = []

    async def second() -> None:
        clock = ManualClock(START + timedelta(hours=1))
        store = await Store.open(tmp_path, "urn:radio-gateway:a:b:c", clock)
        alarms = Alarms(store, IdSource(clock), clock, ClockReader(clock), events.extend)
        await alarms.take_up()
        assert alarms.of_radio("ch1") == {"source": "gone"}
        alarms.fault("radio/ch1/source", "still gone", "mend it")
        alarms.fault("units", "still bad", "mend it")
        alarms.end_earlier(lambda what: is_watched(what, {"ch1"}))
        assert {fault.what for fault in alarms.open} == {"radio/ch1/source", "units"}
        alarms.recovered("radio/ch1/source")
        await alarms.settle()
        await store.close()

    asyncio.run(second())
    assert sorted((event.kind, event.data["what"]) for event in events) == [
        ("gateway.recovered", "model"),
        ("gateway.recovered", "radio/ch1/source"),
        ("gateway.recovered", "radio/ch9/source"),
    ]
    assert {event.data["since"] for event in events} == {START.isoformat()}
