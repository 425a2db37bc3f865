"""One radio on a virtual channel: the carrier line decides, and a control that fails is told."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from drivers.base import DeviceLost
from drivers.registry import make_control, make_source
from gateway.clock import SystemClock
from gateway.errors import StoreUnavailable
from gateway.hear.capture import CaptureEvent, Completed, Ended, Fault, Recovered
from gateway.hear.segmenter import Squelch, SquelchKind
from gateway.model import RATE_HZ, End, Transmission
from gateway.radio import FILE_LEAD, KEPT_IN_MEMORY, MOST_UNKEPT, UNKEPT_IN_MEMORY_S, Radio
from gateway.store.records import SpooledAudio

START = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)


class TakesEverything:
    """Stands for the pipeline."""

    def __init__(self) -> None:
        self.taken: list[Transmission] = []
        self.most_waiting = 0
        self.radio: Radio | None = None
        self.foretold: list[str] = []

    def notice(self, event: CaptureEvent) -> None: ...

    async def foretell(self, transmission: Transmission, _kept: object) -> tuple[()]:
        self.foretold.append(transmission.id)
        return ()

    def unfulfilled(self) -> frozenset[str]:
        return frozenset()

    async def take(self, transmission: Transmission, _kept: object) -> list[Any]:
        await asyncio.sleep(0.01)
        if self.radio is not None:
            self.most_waiting = max(self.most_waiting, self.radio.waiting)
        self.taken.append(transmission)
        return []


class NoSpool:
    def begin(self, *_: object) -> "NoSpool":
        return self

    def append(self, _pcm: object) -> None: ...

    def finish(self, *_: object) -> None: ...

    def discard(self) -> None: ...


def hear(folder: Path, script: str, kind: SquelchKind, control: Any = None) -> tuple[Any, list[CaptureEvent]]:
    (folder / "air.toml").write_text(script, encoding="utf-8")
    options = {"script": "air.toml", "pace": "fast", "radio": folder.name}
    source = make_source("virtual", options, folder)
    pipeline, reports = TakesEverything(), list[CaptureEvent]()

    async def run() -> None:
        radio = Radio(
            "ch1", source, pipeline, control=control,
            spool=NoSpool(), read_audio=lambda _: np.empty(0, np.int16),
            squelch=Squelch(kind=kind), clock=SystemClock(),
            on_report=reports.append, on_events=lambda _: None,
        )  # type: ignore[arg-type]  # fmt: skip
        pipeline.radio = radio
        radio.start()
        try:
            await asyncio.wait_for(radio.run(), 30)
        finally:
            await asyncio.to_thread(radio.stop_listening)

    asyncio.run(run())
    return pipeline, reports


def tones(folder: Path, count: int) -> str:
    soundfile.write(folder / "tone.wav", 0.2 * np.sin(np.arange(16_000) * 0.5), 16_000)
    return "\n".join(f'[[call]]\nat_s = {2 + 3 * i}\nfile = "tone.wav"\n' for i in range(count))


def test_the_carrier_line_cuts_transmissions(tmp_path: Path) -> None:
    control = make_control("virtual", {"radio": tmp_path.name}, tmp_path)

    pipeline, _ = hear(tmp_path, tones(tmp_path, 2), SquelchKind.CARRIER, control)

    assert [one.end.value for one in pipeline.taken] == ["carrier", "carrier"]
    assert all(0.9 < one.duration_s < 1.8 for one in pipeline.taken)


def test_a_lost_control_is_a_fault_and_comes_back(tmp_path: Path) -> None:
    control = make_control("virtual", {"radio": tmp_path.name}, tmp_path)
    real, asked = control.carrier, []

    def failing_once() -> Any:
        asked.append(1)
        if len(asked) == 1:
            raise DeviceLost("pulled out")
        return real()

    control.carrier = failing_once  # type: ignore[method-assign]
    _, reports = hear(tmp_path, tones(tmp_path, 1), SquelchKind.VOX, control)

    troubles = [one for one in reports if isinstance(one, Fault | Recovered)]
    assert (type(troubles[0]), troubles[0].what) == (Fault, "control")
    assert len(asked) < 5, "a control that failed is not asked for every frame"


def test_who_was_calling_travels_with_the_transmission(tmp_path: Path) -> None:
    control = make_control("virtual", {"radio": tmp_path.name}, tmp_path)
    control.caller_id = lambda: "dmr:1234567"  # type: ignore[method-assign]

    pipeline, _ = hear(tmp_path, tones(tmp_path, 1), SquelchKind.CARRIER, control)

    assert [(one.system, one.id) for one in pipeline.taken[0].signalling] == [("dmr", "1234567")]


def test_a_recording_waits_for_the_pipeline(tmp_path: Path) -> None:
    pipeline, reports = hear(tmp_path, tones(tmp_path, 12), SquelchKind.VOX)

    assert len(pipeline.taken) == 12
    assert pipeline.most_waiting <= FILE_LEAD + 1
    assert len([one for one in reports if isinstance(one, Completed)]) == 12


class RefusesAtFirst(TakesEverything):
    """Stands for a pipeline whose store refuses until `refuses` is cleared."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = True
        self.gave_up = 0
        self.rollcall = self

    def gave_up_on(self, _transmission: Transmission) -> None:
        self.gave_up += 1

    async def take(self, transmission: Transmission, kept: object) -> list[Any]:
        if self.refuses:
            raise StoreUnavailable("the disk is full")
        self.taken.append(transmission)
        return []


def test_while_the_disk_refuses_memory_is_bounded_and_what_is_lost_is_told(tmp_path: Path) -> None:
    pipeline, reports = RefusesAtFirst(), list[CaptureEvent]()
    call = np.zeros(30 * RATE_HZ, np.int16)
    made = MOST_UNKEPT + 40

    async def run() -> int:
        source = make_source("virtual", {"radio": tmp_path.name, "pace": "fast"}, tmp_path)
        radio = Radio(
            "ch1", source, pipeline, spool=NoSpool(), read_audio=lambda _: np.empty(0, np.int16),
            squelch=Squelch(), clock=SystemClock(), retry_s=0.01,
            on_report=reports.append, on_events=lambda _: None,
        )  # type: ignore[arg-type]  # fmt: skip
        going = asyncio.create_task(radio.run())
        for number in range(made):
            heard = Transmission(f"t{number}", "ch1", START, 30.0, call, End.CARRIER)
            radio._count(1)
            radio._receive(Completed(heard, None))
        await asyncio.sleep(0.05)
        waiting = radio.waiting
        pipeline.refuses = False
        radio._receive(Ended("ch1"))
        await asyncio.wait_for(going, 30)
        assert radio.waiting == 0
        # All of it is over: the next calls keep their sound again.
        assert (radio._unkept, radio._unkept_s) == (0, 0.0)
        return waiting

    waiting = asyncio.run(run())

    assert waiting == MOST_UNKEPT
    seen = pipeline.foretold
    assert {f"t{number}" for number in range(len(set(seen)))} == set(seen) > {"t0", "t1"}, (
        "what waits is heard"
    )
    assert [one.id for one in pipeline.taken] == [f"t{number}" for number in range(MOST_UNKEPT)]
    sounding = [one for one in pipeline.taken if one.audio.size]
    assert len(sounding) * 30.0 == UNKEPT_IN_MEMORY_S
    assert sounding == pipeline.taken[: len(sounding)], "the first keep their sound"
    assert all(one.duration_s == 30.0 for one in pipeline.taken), "and the others are still told"
    told = [one for one in reports if isinstance(one, Fault | Recovered)]
    assert [one.what for one in told if isinstance(one, Recovered)] == ["store", "store"]
    assert any(isinstance(one, Fault) and "40 calls were heard and lost" in one.message for one in told)
    assert pipeline.gave_up == 40, "a roll-call does not wait for an answer that is lost"


def test_what_is_kept_waits_without_its_samples(tmp_path: Path) -> None:
    pipeline = RefusesAtFirst()
    pipeline.refuses = False
    kept = SpooledAudio("spool/x.wav", "00", 44, 1.0)
    call = np.ones(RATE_HZ, np.int16)

    async def run() -> None:
        source = make_source("virtual", {"radio": tmp_path.name, "pace": "fast"}, tmp_path)
        radio = Radio(
            "ch1", source, pipeline, spool=NoSpool(), read_audio=lambda _: 2 * call, squelch=Squelch(),
            clock=SystemClock(), on_report=lambda _: None, on_events=lambda _: None,
        )  # type: ignore[arg-type]  # fmt: skip
        for number in range(KEPT_IN_MEMORY + 5):
            radio._count(1)
            radio._receive(Completed(Transmission(f"t{number}", "ch1", START, 1.0, call, End.CARRIER), kept))
        held = [waiting.transmission.audio.size for waiting in radio._queue._queue]  # type: ignore[attr-defined]
        assert held == [RATE_HZ] * KEPT_IN_MEMORY + [0] * 5
        radio._receive(Ended("ch1"))
        await asyncio.wait_for(radio.run(), 30)

    asyncio.run(run())
    assert [int(one.audio[0]) for one in pipeline.taken] == [1] * KEPT_IN_MEMORY + [2] * 5
