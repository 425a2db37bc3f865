"""One radio on a virtual channel: the carrier line decides, and a control that fails is told."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from drivers.base import DeviceLost
from drivers.registry import make_control, make_source
from gateway.clock import SystemClock
from gateway.hear.capture import CaptureEvent, Completed, Fault, Recovered
from gateway.hear.segmenter import Squelch, SquelchKind
from gateway.model import Transmission
from gateway.radio import FILE_LEAD, Radio


class TakesEverything:
    """Stands for the pipeline."""

    def __init__(self) -> None:
        self.taken: list[Transmission] = []
        self.most_waiting = 0
        self.radio: Radio | None = None

    def notice(self, event: CaptureEvent) -> None: ...

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
