"""What the squelch keeps around a signal must not enter the answer times."""

import itertools
import threading
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from drivers.registry import make_source
from gateway.clock import IdSource, SystemClock
from gateway.hear.capture import Capture, CaptureEvent, Completed, Ended
from gateway.hear.segmenter import Squelch
from gateway.model import RATE_HZ, End, Transmission

FRAMES_S = 0.012
"""An edge is found to a frame of 4 ms; a time is the difference of two."""
KEYED_S = ((2.0, 4.0), (6.5, 8.0), (11.0, 12.0), (43.25, 45.0))


class NoFile:
    def append(self, pcm: object) -> None: ...

    def finish(self, end: End, dropped_frames: int = 0) -> None: ...

    def discard(self) -> None: ...


class NoSpool:
    def begin(self, transmission_id: str, radio_id: str, started_at: datetime) -> NoFile:
        return NoFile()


def heard_in(recording: Path) -> list[Transmission]:
    heard: list[Transmission] = []
    over = threading.Event()

    def take(event: CaptureEvent) -> None:
        if isinstance(event, Completed):
            heard.append(event.transmission)
        elif isinstance(event, Ended):
            over.set()

    clock = SystemClock()
    source = make_source("wavefile", {"path": recording, "pace": "fast"}, Path())
    capture = Capture(
        "ch1", source, NoSpool(), clock=clock, new_id=IdSource(clock).new, on_event=take,
        squelch=Squelch(), wait_for_room=lambda _: True,
    )  # fmt: skip
    capture.start()
    assert over.wait(30.0)
    capture.stop()
    return heard


def test_answer_times_are_the_carriers(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    sound = 1e-4 * random.standard_normal(48 * RATE_HZ)
    for since_s, until_s in KEYED_S:
        span = slice(round(since_s * RATE_HZ), round(until_s * RATE_HZ))
        voice = np.abs(np.sin(2 * np.pi * 4 * np.arange(span.stop - span.start) / RATE_HZ)) + 0.3
        sound[span] += 0.1 * voice * random.standard_normal(span.stop - span.start)
    soundfile.write(tmp_path / "air.wav", sound, RATE_HZ)

    heard = heard_in(tmp_path / "air.wav")

    assert len(heard) == len(KEYED_S)
    measured = [
        (reply.carrier_opened_at - call.carrier_closed_at).total_seconds()
        for call, reply in itertools.pairwise(heard)
    ]
    meant = [reply[0] - call[1] for call, reply in itertools.pairwise(KEYED_S)]
    assert measured == pytest.approx(meant, abs=FRAMES_S)
