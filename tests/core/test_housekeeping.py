"""Clock steps told once, old audio deleted and noted, room made in the right order."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.alarms import Alarms
from gateway.clock import IdSource, ManualClock, SyncState
from gateway.config import StoreSettings
from gateway.drafts import fault_event, sent_event
from gateway.events import AudioRef, CloudEvent, Draft
from gateway.faults import OpenFault
from gateway.housekeeping import DOUBTED_FOR_S, Housekeeping
from gateway.model import End
from gateway.speak.transmitter import Sent
from gateway.store.records import HeardTransmission
from gateway.store.retention import Hold
from gateway.store.spool import Spool
from gateway.store.store import Store
from gateway.timekeeping import ClockReader, StepWatch

START = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
UNSYNCED = SyncState(synced=False, est_error_ms=None)


@dataclass
class House:
    """A store, a spool and the housekeeping, in simulated time."""

    folder: Path
    clock: ManualClock
    store: Store
    spool: Spool
    keeping: Housekeeping
    alarms: Alarms
    free: list[int]
    told: list[CloudEvent] = field(default_factory=list)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.told]

    async def hear(self, number: int, incident_id: str | None = None, *, understood: bool = True) -> Path:
        """Keep a second of audio and understand it."""
        ident = f"t{number}"
        file = self.spool.begin(ident, "ch1", self.clock.now())
        file.append(np.zeros(16_000, np.int16))
        audio = file.finish(End.CARRIER)
        self.spool.settled(ident, audio.ref)
        await self.store.heard(
            HeardTransmission(ident, "ch1", self.clock.now(), 1.0, End.CARRIER, audio=audio)
        )
        if understood:
            await self.store.do(
                lambda logbook: logbook._db.execute(
                    "UPDATE transmissions SET state = 'understood', incident_id = ? WHERE id = ?",
                    [incident_id, ident],
                )
            )
        return self.folder / audio.ref

    async def send(self, number: int, rollcall_id: str | None = None) -> Path:
        """Say a second, and tell of it."""
        kept = self.spool.keep(f"t{number}", self.clock.now(), np.zeros(16_000, np.int16))
        now, ids = self.clock.now(), IdSource(self.clock)
        audio = AudioRef(ref=kept.ref, sha256=kept.sha256, size_bytes=kept.size_bytes)
        sent = Sent(f"t{number}", "收到", "test", now, now, 1.0, "complete", audio, rollcall_id)
        await self.store.commit(None, [sent_event(ids.new(), "ch1", sent, ClockReader(self.clock)())])
        return self.folder / kept.ref

    def fault_draft(self) -> Draft:
        now = self.clock.now()
        ids = IdSource(self.clock)
        return fault_event(ids.new(), "fault", OpenFault("x", now, "m", "a"), now, ClockReader(self.clock)())


def at_house(
    folder: Path, scene: Callable[[House], Awaitable[None]], at: datetime = START, **settings: Any
) -> None:
    async def run() -> None:
        clock = ManualClock(at)
        store = await Store.open(folder, "urn:radio-gateway:a:b:c", clock)
        told: list[CloudEvent] = []
        free = [10**12]
        spool, ids, read_clock = Spool(folder), IdSource(clock), ClockReader(clock)
        alarms = Alarms(store, ids, clock, read_clock, told.extend, retry_s=0.01)
        keeping = Housekeeping(
            store, spool, folder, StoreSettings(**settings), clock, ids, read_clock, alarms, told.extend,
            free_bytes=lambda: free[0],
        )  # fmt: skip
        house = House(folder, clock, store, spool, keeping, alarms, free, told)
        try:
            await scene(house)
        finally:
            await alarms.settle()
            await store.close()

    asyncio.run(run())


@pytest.mark.parametrize("days", [1, -1])
def test_a_clock_that_is_set_by_a_day_is_told_once(tmp_path: Path, days: int) -> None:
    async def scene(house: House) -> None:
        for _ in range(10):
            house.clock.advance(1.0)
            await house.keeping.watch_clock([])
        house.clock.advance(1.0)
        house.clock.wall += timedelta(days=days)
        for _ in range(10):
            await house.keeping.watch_clock([])
            house.clock.advance(1.0)
        await house.alarms.settle()
        (event,) = house.told
        assert event.kind == "clock.stepped"
        old, new = (datetime.fromisoformat(event.data[name]) for name in ("old", "new"))
        assert new - old == timedelta(days=days)
        assert old == START + timedelta(seconds=11)

    at_house(tmp_path, scene)


def test_what_a_time_source_slews_is_no_step() -> None:
    clock = ManualClock(START)
    watch = StepWatch(clock)
    for _ in range(1000):
        clock.advance(1.0)
        clock.wall += timedelta(microseconds=500)
        assert watch.look() is None


def test_a_boot_before_the_last_event_is_a_fault_until_the_clock_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def first(house: House) -> None:
        await house.store.commit(None, [house.fault_draft()])

    async def booted(house: House) -> None:
        monkeypatch.setattr("gateway.timekeeping.read_sync_state", lambda: UNSYNCED)
        await house.keeping.check_start()
        assert [fault.what for fault in house.alarms.open] == ["clock"]
        house.clock.wall = START + timedelta(minutes=10)
        await house.keeping.watch_clock([])
        assert not house.alarms.open
        await house.alarms.settle()
        assert house.kinds() == ["gateway.fault", "clock.stepped", "gateway.recovered"]
        assert [event.data["clock"]["synced"] for event in house.told] == [False] * 3

    at_house(tmp_path, first)
    at_house(tmp_path, booted, at=datetime(1970, 1, 1, tzinfo=UTC))


def test_old_audio_goes_and_is_noted_but_that_of_incidents_stays_longer_and_on_hold_for_ever(
    tmp_path: Path,
) -> None:
    async def scene(house: House) -> None:
        plain, of_incident = await house.hear(1), await house.hear(2, "i-1")
        held, undecoded = await house.hear(3, "i-2"), await house.hear(4, understood=False)
        await house.store.do(lambda b: b.retention.hold(Hold("i-2", "court", "station", START)))
        house.clock.advance(31 * 86_400)
        await house.keeping.sweep()
        assert [path.exists() for path in (plain, of_incident, held, undecoded)] == [False, True, True, True]
        house.clock.advance(365 * 86_400)
        await house.keeping.sweep()
        assert [path.exists() for path in (plain, of_incident, held, undecoded)] == [False, False, True, True]
        gone = await house.store.do(lambda b: b.retention.deletions())
        assert [(one.transmission_id, one.size_bytes) for one in gone] == [("t2", 32_044), ("t1", 32_044)]
        assert all("older than" in one.reason for one in gone)
        await house.store.do(lambda b: b.retention.release("i-2"))
        await house.keeping.sweep()
        assert not held.exists()

    at_house(tmp_path, scene)


def test_a_clock_that_leapt_deletes_nothing_for_a_day(tmp_path: Path) -> None:
    async def scene(house: House) -> None:
        house.clock.wall -= timedelta(hours=1)
        earlier_boot = await house.hear(1)
        house.clock.wall += timedelta(hours=1)
        house.clock.wall += timedelta(days=4000)
        await house.keeping.watch_clock([])
        await house.keeping.sweep()
        assert earlier_boot.exists()
        house.clock.advance(DOUBTED_FOR_S + 1)
        await house.keeping.sweep()
        assert not earlier_boot.exists()

    at_house(tmp_path, scene)


def test_what_was_dated_by_a_wrong_clock_is_as_old_as_it_is_when_that_is_set(tmp_path: Path) -> None:
    async def scene(house: House) -> None:
        house.clock.advance(60)
        audio = await house.hear(1)
        sent = await house.send(2)
        await house.store.commit(None, [house.fault_draft()])
        house.clock.advance(60)
        house.clock.wall = START
        await house.keeping.watch_clock([])
        for days in (1, 28):
            house.clock.advance(days * 86_400 + 60)
            await house.keeping.sweep()
        assert audio.exists()
        assert sent.exists()
        house.clock.advance(2 * 86_400)
        await house.keeping.sweep()
        assert not audio.exists()
        assert not sent.exists()
        oldest = await house.store.do(
            lambda book: book._db.execute("SELECT min(stored_at) FROM events").fetchone()[0]
        )
        assert START - datetime.fromisoformat(oldest) == timedelta(minutes=1)

    at_house(tmp_path, scene, at=datetime(1970, 1, 1, tzinfo=UTC))


def test_what_was_sent_goes_by_age_and_is_noted_but_not_while_its_roll_call_is_on_hold(
    tmp_path: Path,
) -> None:
    async def scene(house: House) -> None:
        plain, held, answer = await house.send(1), await house.send(2, "rc-1"), await house.hear(3)
        await house.store.do(
            lambda book: book._db.execute("UPDATE transmissions SET rollcall_id = 'rc-1' WHERE id = 't3'")
        )
        assert await house.store.do(lambda b: b.retention.knows_incident("rc-1"))
        await house.store.do(lambda b: b.retention.hold(Hold("rc-1", "court", "station", START)))
        house.clock.advance(400 * 86_400)
        await house.keeping.sweep()
        assert [path.exists() for path in (plain, held, answer)] == [False, True, True]
        kept = await house.store.do(lambda b: b.events.since(0))
        assert [event.correlationid for event in kept] == [None, "rc-1"], "the first still waits"
        (gone,) = await house.store.do(lambda b: b.retention.deletions())
        assert (gone.transmission_id, gone.size_bytes, len(gone.sha256)) == ("t1", 32_044, 64)
        await house.store.do(lambda b: b.retention.release("rc-1"))
        await house.keeping.sweep()
        assert not held.exists()
        assert not answer.exists()
        assert await house.store.do(lambda b: b.retention.audio_bytes()) == 0

    at_house(tmp_path, scene)


def test_what_was_sent_counts_against_the_most_that_is_kept(tmp_path: Path) -> None:
    async def scene(house: House) -> None:
        files = []
        for number in range(40):
            files.append(await (house.send if number % 2 else house.hear)(number))
            house.clock.advance(60)
        await house.keeping.sweep()
        left = [number for number, path in enumerate(files) if path.exists()]
        assert left == [*range(9, 40)], "1 MB is 31 files of 32,044 bytes"

    at_house(tmp_path, scene, max_audio_bytes=1_000_000)


def test_files_that_no_row_knows_are_kept_like_those_of_incidents_and_go_with_a_note(
    tmp_path: Path,
) -> None:
    async def scene(house: House) -> None:
        stray = house.spool.keep("t9", START, np.zeros(16_000, np.int16))
        waits = house.spool.begin("t8", "ch1", START)
        waits.append(np.zeros(16_000, np.int16))
        unsettled = waits.finish(End.CARRIER)
        known = await house.hear(1)
        for days in (0, 0, 300):
            house.clock.advance(days * 86_400 + 60)
            await house.keeping.sweep()
        assert (tmp_path / stray.ref).exists()
        assert not known.exists()
        house.clock.advance(70 * 86_400)
        await house.keeping.sweep()
        assert not (tmp_path / stray.ref).exists()
        assert (tmp_path / unsettled.ref).exists(), "it waits for its turn"
        gone = await house.store.do(lambda b: b.retention.deletions())
        assert (gone[0].transmission_id, gone[0].ref) == ("t9", stray.ref)

    at_house(tmp_path, scene)


def test_events_of_what_is_on_hold_outlive_their_days(tmp_path: Path) -> None:
    async def scene(house: House) -> None:
        await house.send(1, "rc-1")
        await house.send(2)
        entries = await house.store.outbox.list()
        await house.store.outbox.delivered([entry.position for entry in entries])
        await house.store.do(lambda b: b.retention.hold(Hold("rc-1", "court", "station", START)))
        house.clock.advance(400 * 86_400)
        await house.keeping.sweep()
        kept = await house.store.do(lambda b: b.events.since(0))
        assert [event.correlationid for event in kept] == ["rc-1"]

    at_house(tmp_path, scene)


def test_too_much_audio_goes_oldest_first_and_incidents_last(tmp_path: Path) -> None:
    async def scene(house: House) -> None:
        files = []
        for number in range(40):
            files.append(await house.hear(number, "i-1" if number < 10 else None))
            house.clock.advance(60)
        await house.keeping.sweep()
        left = [number for number, path in enumerate(files) if path.exists()]
        assert left == [*range(10), *range(19, 40)], "1 MB is 31 files of 32,044 bytes"

    at_house(tmp_path, scene, max_audio_bytes=1_000_000)


def test_a_disk_that_fills_costs_audio_then_telemetry_and_is_told(tmp_path: Path) -> None:
    async def scene(house: House) -> None:
        file = await house.hear(1)
        await house.store.commit(None, [house.fault_draft() for _ in range(150)])
        house.free[0] = 1000
        await house.keeping.sweep()
        assert not file.exists()
        await house.alarms.settle()
        dropped = [event for event in house.told if event.kind == "outbox.dropped"]
        assert sum(event.data["count"] for event in dropped) in {50, 51}, "the newest hundred stay"
        assert [fault.what for fault in house.alarms.open] == ["disk"]
        house.free[0] = 10**12
        await house.keeping.sweep()
        assert not house.alarms.open

    at_house(tmp_path, scene)


async def crowd(house: House, telemetry: int, incidents: int) -> None:
    """Let so many wait, mixed; every so often an incident's event, which has a fault's data here."""
    total = telemetry + incidents
    await house.store.commit(None, [house.fault_draft() for _ in range(total)])
    chosen = [1 + n * total // incidents for n in range(incidents)]
    await house.store.do(
        lambda logbook: [
            logbook._db.execute("UPDATE events SET kind = 'incident.updated' WHERE position = ?", [position])
            for position in chosen
        ]
    )


def test_beyond_the_most_that_may_wait_telemetry_goes_and_incidents_stay(tmp_path: Path) -> None:
    async def scene(house: House) -> None:
        await crowd(house, telemetry=250, incidents=50)
        await house.keeping.sweep()
        entries = await house.store.outbox.list(5000)
        assert sum(entry.kind == "incident.updated" for entry in entries) == 50
        assert len(entries) - 1 <= 200, "and the event that tells"
        events = [event for event in house.told if event.kind == "outbox.dropped"]
        runs = [run for event in events for run in event.data["runs"]]
        missing = {number for run in runs for number in range(int(run["first"]), int(run["last"]) + 1)}
        waiting = {entry.sequence for entry in entries}
        assert sum(e.data["count"] for e in events) == len(missing)
        assert missing | waiting == set(range(1, 301 + len(events)))
        assert not missing & waiting

    at_house(tmp_path, scene, max_waiting_events=200)


def test_incidents_go_only_when_nothing_else_can(tmp_path: Path) -> None:
    async def scene(house: House) -> None:
        await crowd(house, telemetry=10, incidents=210)
        await house.keeping.sweep()
        kinds = [entry.kind for entry in await house.store.outbox.list(5000)]
        assert "gateway.fault" not in kinds
        assert 185 <= kinds.count("incident.updated") <= 200

    at_house(tmp_path, scene, max_waiting_events=200)
