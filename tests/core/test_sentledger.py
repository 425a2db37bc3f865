"""What was sent is an event once, whenever the gateway is killed and however long the store refuses."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.alarms import Alarms
from gateway.clock import IdSource, SystemClock
from gateway.errors import StoreUnavailable
from gateway.events import AudioRef, CloudEvent
from gateway.sentledger import SentLedger
from gateway.speak.transmitter import Sent
from gateway.store.eventlog import EventTable
from gateway.store.sendings import SendingNotes
from gateway.store.store import Store
from gateway.timekeeping import ClockReader

BEGUN = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
AUDIO = AudioRef(ref="spool/2026-11-22/t1.wav", sha256="0" * 64, size_bytes=44)
ABOUT_TO = Sent("t1", "收到", "espeak", BEGUN, BEGUN + timedelta(seconds=2), 2.0, "killed", AUDIO, "rc-1")
DONE = Sent("t1", "收到", "espeak", BEGUN, BEGUN + timedelta(seconds=3), 3.0, "complete", AUDIO, "rc-1")
Life = Callable[[SentLedger, Store, Alarms], Awaitable[None]]


def live(folder: Path, life: Life) -> list[CloudEvent]:
    """One run of the gateway's ledger; what it stored."""
    events: list[CloudEvent] = []

    async def run() -> None:
        clock = SystemClock()
        store = await Store.open(folder, "urn:radio-gateway:a:b:c", clock)
        ids, reader = IdSource(clock), ClockReader(clock)
        alarms = Alarms(store, ids, clock, reader, lambda _: None)
        ledger = SentLedger(store, SendingNotes(folder), alarms, ids, reader, events.extend, retry_s=0.1)
        await life(ledger, store, alarms)
        await ledger.stop()
        await alarms.settle()
        await store.close()

    asyncio.run(run())
    return events


async def taken_up(ledger: SentLedger, _store: Store, _alarms: Alarms) -> None:
    await ledger.take_up()


async def killed(ledger: SentLedger, _store: Store, _alarms: Alarms) -> None:
    await ledger.begun("ch1", ABOUT_TO)


def test_a_gateway_killed_while_it_speaks_tells_it_at_the_next_start_and_once(tmp_path: Path) -> None:
    assert live(tmp_path, killed) == []
    (event,) = live(tmp_path, taken_up)
    assert (event.kind, event.data["ended"], event.data["text"]) == ("transmission.sent", "killed", "收到")
    assert (event.correlationid, event.data["audio"]["ref"]) == ("rc-1", AUDIO.ref)
    assert live(tmp_path, taken_up) == []


def test_what_was_said_or_never_keyed_is_not_told_again(tmp_path: Path) -> None:
    async def said(ledger: SentLedger, _store: Store, _alarms: Alarms) -> None:
        await ledger.begun("ch1", ABOUT_TO)
        await ledger.told("ch1", DONE)
        await ledger.begun("ch1", ABOUT_TO)
        await ledger.unsaid("t1")

    (event,) = live(tmp_path, said)
    assert event.data["ended"] == "complete"
    assert live(tmp_path, taken_up) == []


def test_killed_after_the_event_was_stored_makes_no_second_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def said(ledger: SentLedger, _store: Store, _alarms: Alarms) -> None:
        await ledger.begun("ch1", ABOUT_TO)
        monkeypatch.setattr(SendingNotes, "forget", lambda *_: None)
        await ledger.told("ch1", DONE)

    assert len(live(tmp_path, said)) == 1
    monkeypatch.undo()
    assert len(SendingNotes(tmp_path).left()) == 1
    assert live(tmp_path, taken_up) == []
    assert SendingNotes(tmp_path).left() == {}


def test_while_the_store_refuses_it_is_kept_over_a_restart_with_how_it_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreUnavailable("disk full")

    async def refused(ledger: SentLedger, _store: Store, alarms: Alarms) -> None:
        await ledger.begun("ch1", ABOUT_TO)
        monkeypatch.setattr(EventTable, "has", refuse)
        await ledger.told("ch1", DONE)
        assert [fault.what for fault in alarms.open] == ["store"]

    assert live(tmp_path, refused) == []

    async def refused_then_not(ledger: SentLedger, store: Store, _alarms: Alarms) -> None:
        await ledger.take_up()
        monkeypatch.undo()
        await asyncio.sleep(0.5)
        assert await store.do(lambda logbook: logbook.events.last_sequence()) >= 1

    (event,) = live(tmp_path, refused_then_not)
    assert (event.data["ended"], event.data["duration_s"]) == ("complete", 3.0)


def test_a_note_that_makes_no_sense_is_told_and_kept(tmp_path: Path) -> None:
    live(tmp_path, killed)
    (tmp_path / "sending" / "t0.json").write_bytes(b"{")

    async def told(ledger: SentLedger, _store: Store, alarms: Alarms) -> None:
        await ledger.take_up()
        assert ["t0.damaged" in fault.message for fault in alarms.open] == [True]

    assert len(live(tmp_path, told)) == 1
    assert (tmp_path / "sending" / "t0.damaged").exists()
