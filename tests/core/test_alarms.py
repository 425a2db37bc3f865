"""A fault is one event when it begins and one when it is over, whatever happens in between."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.alarms import Alarms
from gateway.clock import IdSource, ManualClock
from gateway.errors import StoreUnavailable
from gateway.events import CloudEvent
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
