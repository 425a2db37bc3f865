import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from drivers import registry
from drivers.base import (
    AudioFormat,
    AudioFrame,
    AudioSource,
    Carrier,
    DeviceLost,
    DeviceMissing,
    EndOfAudio,
)
from gateway.clock import ManualClock, SystemClock
from gateway.errors import StoreUnavailable
from gateway.hear import capture as capture_module
from gateway.hear.capture import Capture, CaptureEvent, Completed, Ended, Fault, Opened, Recovered
from gateway.hear.ownkeyups import OwnKeyUps
from gateway.hear.segmenter import Segmenter, Squelch, SquelchKind
from gateway.hear.session import Session
from gateway.model import RATE_HZ, End, Pcm, Transmission

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class MemoryFile:
    def __init__(self, spool: "MemorySpool", name: str) -> None:
        self.spool, self.name = spool, name
        self.pieces: list[Pcm] = []
        self.finished: tuple[End, int] | None = None

    def append(self, pcm: Pcm) -> None:
        if self.spool.full_after is not None and len(self.pieces) >= self.spool.full_after:
            raise StoreUnavailable("disk full")
        self.pieces.append(pcm)

    def finish(self, end: End, dropped_frames: int = 0) -> str:
        self.finished = (end, dropped_frames)
        return f"kept {self.name}"

    def discard(self) -> None:
        raise AssertionError("nothing is discarded")


class MemorySpool:
    def __init__(self, full_after: int | None = None) -> None:
        self.files: dict[str, MemoryFile] = {}
        self.full_after = full_after

    def begin(self, transmission_id: str, radio_id: str, started_at: datetime) -> MemoryFile:
        assert radio_id == "ch1"
        assert started_at.tzinfo is not None
        self.files[transmission_id] = MemoryFile(self, transmission_id)
        return self.files[transmission_id]


class PlannedSource(AudioSource):
    """Delivers what a plan holds: frames, None for nothing, errors to raise; then it ends."""

    format = AudioFormat(RATE_HZ)

    def __init__(self, *openings: list[AudioFrame | Exception | None], live: bool = False) -> None:
        self.openings = iter(openings)
        self.plan: Iterator[AudioFrame | Exception | None] = iter(())
        self.live = live
        self.opened = 0

    @property
    def is_live(self) -> bool:
        return self.live

    def open(self) -> None:
        self.opened += 1
        plan = next(self.openings)
        if plan and isinstance(plan[0], DeviceMissing):
            raise plan[0]
        self.plan = iter(plan)

    def close(self) -> None:
        pass

    def _read(self, timeout_s: float) -> AudioFrame | None:
        step = next(self.plan, EndOfAudio("over"))
        if isinstance(step, Exception):
            raise step
        return step


def frames_of(audio: Pcm, first: int = 0, chunk: int = 1600) -> list[AudioFrame]:
    pieces = [audio[at : at + chunk] for at in range(0, len(audio), chunk)]
    return [
        AudioFrame(piece.astype("<i2").tobytes(), AudioFormat(RATE_HZ), first + index, 0)
        for index, piece in enumerate(pieces)
    ]


class Ear:
    """A capture with everything it says, in order."""

    def __init__(self, source: AudioSource, spool: MemorySpool | None = None, **more: Any) -> None:
        self.spool = spool or MemorySpool()
        self.events: list[CaptureEvent] = []
        self.ended = threading.Event()
        numbers = itertools.count(1)
        self.capture = Capture(
            "ch1",
            source,
            self.spool,
            **{
                "clock": ManualClock(START),
                "new_id": lambda: f"t{next(numbers)}",
                "on_event": self.take,
            }
            | more,
        )

    def take(self, event: CaptureEvent) -> None:
        assert threading.current_thread().name == "capture-ch1"
        self.events.append(event)
        if isinstance(event, Ended):
            self.ended.set()

    def run(self) -> "Ear":
        self.capture.start()
        assert self.ended.wait(20.0)
        assert self.capture.stop()
        return self

    def wait_for(self, kind: type) -> None:
        deadline = time.monotonic() + 10.0
        while not any(isinstance(event, kind) for event in self.events):
            assert time.monotonic() < deadline, self.events
            time.sleep(0.01)

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]

    @property
    def transmissions(self) -> list[Transmission]:
        return [event.transmission for event in self.events if isinstance(event, Completed)]


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "FIRST_BACK_OFF_S", 0.01)


@pytest.fixture
def two_calls(signals: Any) -> Pcm:
    call = signals.speech(1.5, -26)
    return signals.pcm(signals.silence(1.5), call, signals.silence(1.5), call, signals.silence(1.5))


def test_a_recording_becomes_transmissions_in_order(two_calls: Pcm) -> None:
    ear = Ear(PlannedSource(frames_of(two_calls))).run()
    assert ear.kinds == ["Opened", "Completed", "Opened", "Completed", "Ended"]
    assert ear.events[-1] == Ended("ch1", "over")
    first, second = ear.transmissions
    assert (first.id, second.id) == ("t1", "t2")
    assert first.radio_id == "ch1"
    assert first.end is second.end is End.SILENCE
    for opened, transmission in zip(ear.events[::2], ear.transmissions, strict=False):
        assert isinstance(opened, Opened)
        assert (opened.transmission_id, opened.started_at) == (transmission.id, transmission.started_at)
        assert transmission.duration_s == len(transmission.audio) / RATE_HZ
    start = round((first.started_at - START).total_seconds() * RATE_HZ)
    assert 1.1 < start / RATE_HZ < 1.5
    assert (first.audio == two_calls[start : start + len(first.audio)]).all()
    assert (second.started_at - first.started_at).total_seconds() == pytest.approx(3.0, abs=0.05)


def test_the_spool_gets_every_sample_while_it_is_received(two_calls: Pcm) -> None:
    ear = Ear(PlannedSource(frames_of(two_calls))).run()
    for transmission, event in zip(ear.transmissions, ear.events[1::2], strict=False):
        file = ear.spool.files[transmission.id]
        assert len(file.pieces) > 5
        assert (np.concatenate(file.pieces) == transmission.audio).all()
        assert file.finished == (End.SILENCE, 0)
        assert isinstance(event, Completed)
        assert event.kept == f"kept {transmission.id}"


def test_an_open_transmission_is_completed_before_the_end(signals: Any) -> None:
    audio = signals.pcm(signals.silence(1.5), signals.speech(1.5, -26))[: round(2.9 * RATE_HZ)]
    ear = Ear(PlannedSource(frames_of(audio))).run()
    assert ear.kinds == ["Opened", "Completed", "Ended"]
    assert ear.transmissions[0].end is End.STOPPED


def test_lost_frames_are_counted_in_the_transmission_they_are_missing_from(two_calls: Pcm) -> None:
    frames = frames_of(two_calls)
    del frames[22:25]
    ear = Ear(PlannedSource(frames)).run()
    assert [one.dropped_frames for one in ear.transmissions] == [3, 0]
    assert ear.spool.files["t1"].finished == (End.SILENCE, 3)


def test_an_overflow_is_at_least_one_frame(two_calls: Pcm) -> None:
    frames = frames_of(two_calls)
    frames[52] = AudioFrame(frames[52].pcm, frames[52].format, 52, 0, overflow=True)
    ear = Ear(PlannedSource(frames)).run()
    assert [one.dropped_frames for one in ear.transmissions] == [0, 1]


def test_a_lost_device_is_one_fault_then_recovered(two_calls: Pcm) -> None:
    half = frames_of(two_calls[: 2 * RATE_HZ])
    gone = DeviceMissing("still unplugged")
    source = PlannedSource([*half, DeviceLost("pulled out")], [gone], [gone], frames_of(two_calls))
    ear = Ear(source).run()
    assert ear.kinds == [
        *("Opened", "Completed", "Fault", "Recovered"),
        *("Opened", "Completed", "Opened", "Completed", "Ended"),
    ]
    assert ear.events[2] == Fault("ch1", "source", "pulled out")
    assert ear.events[3] == Recovered("ch1")
    assert [one.end for one in ear.transmissions] == [End.STOPPED, End.SILENCE, End.SILENCE]
    assert source.opened == 4


def test_each_wait_for_a_device_is_twice_the_last_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "LONGEST_BACK_OFF_S", 0.16)
    gone = [DeviceMissing("gone")]
    source = PlannedSource(*[gone] * 7, [None])
    begun_at = time.monotonic()
    ear = Ear(source).run()
    took_s = time.monotonic() - begun_at
    assert ear.kinds == ["Fault", "Ended"]
    assert 0.63 <= took_s < 2.0  # 0.01 + 0.02 + 0.04 + 0.08 + 3 × 0.16


def test_what_can_never_work_ends_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_text("no sound")
    ear = Ear(registry.make_source("wavefile", {"path": str(path)}, tmp_path)).run()
    assert ear.kinds == ["Fault", "Ended"]
    fault, ended = ear.events
    assert isinstance(fault, Fault)
    assert isinstance(ended, Ended)
    assert "is not a recording" in fault.message
    assert ended.message == fault.message


def test_a_live_device_that_falls_silent_is_opened_again(
    two_calls: Pcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(START)

    class Stuck(PlannedSource):
        def _read(self, timeout_s: float) -> AudioFrame | None:
            clock.advance(0.5)
            return super()._read(timeout_s)

    source = Stuck([*frames_of(two_calls)[:5], *[None] * 30], frames_of(two_calls), live=True)
    ear = Ear(source, clock=clock).run()
    assert ear.kinds[:2] == ["Fault", "Recovered"]
    assert "delivers no audio" in str(ear.events[0])
    assert source.opened == 2


def test_a_full_disk_costs_the_copy_and_not_the_report(two_calls: Pcm) -> None:
    ear = Ear(PlannedSource(frames_of(two_calls)), MemorySpool(full_after=3)).run()
    assert ear.kinds == ["Opened", "Fault", "Completed", "Opened", "Fault", "Completed", "Ended"]
    assert ear.events[1] == Fault("ch1", "spool", "disk full")
    whole = Ear(PlannedSource(frames_of(two_calls))).run()
    for one, other in zip(ear.transmissions, whole.transmissions, strict=True):
        assert (one.audio == other.audio).all()
    assert all(event.kept is None for event in ear.events if isinstance(event, Completed))


def test_an_error_nobody_thought_of_is_told(two_calls: Pcm, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Segmenter, "feed", stumble)
    ear = Ear(PlannedSource(frames_of(two_calls))).run()
    assert ear.kinds == ["Fault", "Ended"]
    assert "ZeroDivisionError: a bug" in str(ear.events[0])


def test_stop_completes_what_is_on_the_air(signals: Any, tmp_path: Path) -> None:
    import soundfile  # noqa: PLC0415

    soundfile.write(tmp_path / "call.wav", signals.speech(30.0, -20), RATE_HZ)
    options = {"path": "call.wav", "pace": "realtime", "chunk_s": 0.05}
    ear = Ear(registry.make_source("wavefile", options, tmp_path), clock=SystemClock())
    begun_at = datetime.now(tz=UTC)
    ear.capture.start()
    ear.wait_for(Opened)
    time.sleep(0.2)
    assert ear.capture.is_running
    assert ear.capture.stop()
    assert ear.capture.stop(), "a second stop does nothing"
    assert not ear.capture.is_running
    assert ear.kinds == ["Opened", "Completed", "Ended"]
    (heard,) = ear.transmissions
    assert heard.end is End.STOPPED
    assert heard.duration_s > 1.1
    assert abs((heard.started_at - begun_at).total_seconds()) < 0.3


def test_stop_before_start_and_while_a_device_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Ear(PlannedSource([])).capture.stop()
    monkeypatch.setattr(capture_module, "FIRST_BACK_OFF_S", 30.0)
    ear = Ear(PlannedSource([DeviceMissing("gone")]))
    ear.capture.start()
    ear.wait_for(Fault)
    begun_at = time.monotonic()
    assert ear.capture.stop()
    assert time.monotonic() - begun_at < 2.0
    assert ear.kinds == ["Fault", "Ended"]


class Room:
    """Has no room until told so."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.asked = 0

    def wait(self, timeout_s: float) -> bool:
        self.asked += 1
        return self.free.wait(min(timeout_s, 0.05))


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5.0
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_recording_waits_for_room_and_loses_nothing(two_calls: Pcm) -> None:
    room = Room()
    ear = Ear(PlannedSource(frames_of(two_calls)), wait_for_room=room.wait)
    ear.capture.start()
    wait_until(lambda: room.asked > 2)
    assert ear.events == []
    room.free.set()
    assert ear.ended.wait(10.0)
    ear.capture.stop()
    assert len(ear.transmissions) == 2


def test_a_capture_that_waits_for_room_can_be_stopped(two_calls: Pcm) -> None:
    room = Room()
    ear = Ear(PlannedSource(frames_of(two_calls)), wait_for_room=room.wait)
    ear.capture.start()
    wait_until(lambda: room.asked > 0)
    assert ear.capture.stop()
    assert ear.kinds == ["Ended"]


def test_a_live_source_never_waits_for_room(two_calls: Pcm) -> None:
    room = Room()
    ear = Ear(PlannedSource(frames_of(two_calls), live=True), wait_for_room=room.wait).run()
    assert room.asked == 0
    assert len(ear.transmissions) == 2


def test_a_virtual_radio_is_heard_through_unplugging_and_lost_audio(signals: Any, tmp_path: Path) -> None:
    import soundfile  # noqa: PLC0415

    soundfile.write(tmp_path / "call.flac", signals.speech(2.0, -22), RATE_HZ)
    (tmp_path / "air.toml").write_text(
        """
        noise_dbfs = -70.0
        [[call]]
        at_s = 2.0
        file = "call.flac"
        [[drop]]
        at_s = 2.5
        for_s = 0.2
        [[unplug]]
        at_s = 6.0
        for_s = 2.0
        [[call]]
        at_s = 10.0
        file = "call.flac"
        noise_dbfs = -42.0
        lead_s = 0.3
        """
    )
    options = {"radio": str(tmp_path), "script": "air.toml", "pace": "fast"}
    ear = Ear(registry.make_source("virtual", options, tmp_path)).run()
    assert ear.kinds == ["Opened", "Completed", "Fault", "Recovered", "Opened", "Completed", "Ended"]
    assert [one.dropped_frames for one in ear.transmissions] == [2, 0]
    assert ear.transmissions[0].duration_s == pytest.approx(2.4, abs=0.2)
    assert ear.transmissions[1].duration_s == pytest.approx(2.9, abs=0.2)


def test_frames_lost_between_two_calls_belong_to_neither(two_calls: Pcm) -> None:
    frames = frames_of(two_calls)
    del frames[37:39]
    assert [one.dropped_frames for one in Ear(PlannedSource(frames)).run().transmissions] == [0, 0]


def test_what_the_gateway_says_itself_is_not_heard_however_late_the_card_is(signals: Any) -> None:
    """The card hands its sound over 0.3 s late; the stretch is passed over where it was captured."""
    audio = signals.pcm(signals.silence(2.0), signals.speech(2.4, -20), signals.silence(2.0))
    clock, own, late_s = ManualClock(START, mono_s=100.0), OwnKeyUps(), 0.3

    class Card(PlannedSource):
        def _read(self, timeout_s: float) -> AudioFrame | None:
            frame = super()._read(timeout_s)
            assert frame is not None
            heard_s = (frame.sequence + 1) * 0.1
            clock.advance(100.0 + heard_s + late_s - clock.monotonic_s())
            for at_s, tell in ((101.95, own.keyed), (104.05, own.released)):
                if clock.monotonic_s() >= at_s:
                    tell(at_s)
            return replace(frame, captured_ns=round((100.0 + heard_s) * 1e9))

    for deaf_s, heard in ((0.4, 0), (0.0, 1)):
        own = OwnKeyUps()
        clock = ManualClock(START, mono_s=100.0)
        squelch = Squelch(deaf_s=deaf_s)
        ear = Ear(Card(frames_of(audio), live=True), clock=clock, own_key_ups=own, squelch=squelch).run()
        assert len(ear.transmissions) == heard, "the last 0.35 s are heard only without deafness"


def test_a_driver_that_leaks_an_error_is_tried_again(two_calls: Pcm) -> None:
    frames = frames_of(two_calls)
    source = PlannedSource([*frames[:5], ZeroDivisionError("a bug")], frames_of(two_calls), live=True)
    ear = Ear(source).run()
    assert ear.kinds == ["Fault", "Recovered", "Opened", "Completed", "Opened", "Completed", "Ended"]
    assert "ZeroDivisionError: a bug" in str(ear.events[0])


def test_a_plug_with_a_bad_contact_is_one_fault(two_calls: Pcm) -> None:
    shaky = [[*frames_of(two_calls)[:3], DeviceLost("gone")] for _ in range(6)]
    ear = Ear(PlannedSource(*shaky, frames_of(two_calls))).run()
    assert ear.kinds[:2] == ["Fault", "Recovered"]
    assert ear.kinds.count("Fault") == 1


def test_a_stuck_squelch_is_told_until_it_is_over() -> None:
    frames = frames_of(np.zeros(30 * RATE_HZ, np.int16))
    asked = itertools.count()
    squelch = Squelch(SquelchKind.CARRIER, timeout_s=10.0)
    ear = Ear(PlannedSource(frames), squelch=squelch, carrier=lambda: Carrier(next(asked) < 200)).run()
    assert ear.kinds == ["Opened", "Completed", "Fault", "Recovered", "Ended"]
    assert "the squelch was open for 10 s" in str(ear.events[2])


def test_what_a_silent_faulty_card_loses_is_not_kept_for_ever() -> None:
    frame = frames_of(np.zeros(1600, np.int16))[0]
    source = PlannedSource([])
    session = Session(source, Squelch(), Mock(), ManualClock(START), OwnKeyUps())
    for sequence in range(0, 4000, 2):
        session.hear(replace(frame, sequence=sequence), None)
    assert len(session._losses) <= 301


def test_the_end_of_an_earlier_runs_faults_is_told_once(two_calls: Pcm) -> None:
    earlier = {"source": "unplugged", "squelch": "stuck", "hum": "it hums", "control": "gone"}
    ear = Ear(PlannedSource(frames_of(two_calls), live=True), earlier_faults=earlier).run()
    ends = [event for event in ear.events if isinstance(event, Recovered)]
    assert sorted(event.what for event in ends) == ["source", "squelch"]
    assert Fault("ch1", "hum", "it hums") in ear.events, "which is no new event: it is open already"
    kept = Ear(PlannedSource([DeviceMissing("still")], frames_of(two_calls)), earlier_faults=earlier).run()
    assert [event for event in kept.events if isinstance(event, Recovered) and event.what == "source"] == [
        Recovered("ch1", "source")
    ]
