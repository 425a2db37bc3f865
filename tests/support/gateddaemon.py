"""The daemon with a radio on which a test says when somebody calls: python gateddaemon.py CONFIG [SECONDS].

Source and control are called `gated`. A test writes how many calls have been made so far into the source's
file; each is a second of tones that carry the call's number. A scripted recogniser says the line of that
number, SECONDS after it is asked. What waits for a disk is tried again each 0.3 s.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import gateway.alarms
import gateway.app
import gateway.radioroom
import gateway.sentledger
from drivers.base import AudioFormat, AudioFrame, AudioSource, Carrier, DeviceLost, RadioControl
from drivers.registry import CONTROLS, SOURCES
from gateway.cli.main import main
from tools.crashair import numbered
from tools.crashlife import ScriptedDaemon

CHUNK = 320
FASTER = 4
IS_UP: set[Path] = set()


@dataclass(frozen=True, slots=True)
class GatedOptions:
    """`calls` is the file that says how many calls were made so far."""

    calls: Path


class GatedSource(AudioSource):
    """A live source: silence, and a call when there is one."""

    Options = GatedOptions
    format = AudioFormat(16_000)

    def __init__(self, options: GatedOptions) -> None:
        self._calls = options.calls
        self._played = int(options.calls.read_text()) if options.calls.exists() else 0
        self._left = np.empty(0, np.int16)
        self._sequence = 0
        self._is_open = False

    @property
    def is_live(self) -> bool:
        return True

    def open(self) -> None:
        self._is_open, self._sequence = True, 0

    def close(self) -> None:
        self._is_open = False

    def _read(self, timeout_s: float) -> AudioFrame | None:
        if not self._is_open:
            raise DeviceLost("closed")
        time.sleep(CHUNK / 16_000 / FASTER)
        if not len(self._left) and self._sequence % 5 == 0 and self._calls.exists():
            made = int(self._calls.read_text() or 0)
            if made > self._played:
                self._played += 1
                self._left = np.concatenate([numbered(self._played), np.zeros(16_000, np.int16)])
        chunk, self._left = self._left[:CHUNK], self._left[CHUNK:]
        (IS_UP.add if len(self._left) > 16_000 else IS_UP.discard)(self._calls)
        pcm = np.zeros(CHUNK, "<i2")
        pcm[: len(chunk)] = chunk
        self._sequence += 1
        return AudioFrame(pcm.tobytes(), self.format, self._sequence - 1, time.monotonic_ns())


class GatedControl(RadioControl):
    """The carrier of the source with the same file."""

    Options = GatedOptions

    def __init__(self, options: GatedOptions) -> None:
        self._calls = options.calls

    def open(self) -> None: ...

    def close(self) -> None: ...

    def key(self) -> None: ...

    def unkey(self) -> None: ...

    def carrier(self) -> Carrier:
        return Carrier(self._calls in IS_UP)


if __name__ == "__main__":
    SOURCES["gated"] = (__name__, "GatedSource")
    CONTROLS["gated"] = (__name__, "GatedControl")
    gateway.radioroom.STORE_RETRY_S = 0.3
    gateway.app.DRAIN_S = gateway.app.GOODBYE_S = 1.0
    gateway.app.LOOK_EVERY_S = gateway.app.SWEEP_EVERY_S = gateway.app.WRITTEN_EVERY_S = 0.5
    gateway.alarms.Alarms.__init__.__kwdefaults__["retry_s"] = 0.3
    import gateway.cli.run

    gateway.cli.run.Daemon = ScriptedDaemon
    main(["run", "-c", sys.argv[1]])
