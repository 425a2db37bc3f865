"""Transmits on purpose: the PTT test and the loop-back test. Whoever calls this has asked a person first."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

import numpy as np

from drivers.base import AudioFormat, AudioSink, AudioSource, DeviceError, EndOfAudio, RadioControl
from gateway.hear.audio import FULL_SCALE, Converter, dbfs
from gateway.model import RATE_HZ, Pcm

TONE_HZ = 1000.0
TONE_DBFS = -15.0
LEAD_S = 0.4
PTT_S = 2.0
LOOP_S = 1.0
_FORMAT = AudioFormat(RATE_HZ)
_WINDOW_S = 0.05
_HEARD_OVER_NOISE_DB = 10.0


@dataclass(frozen=True, slots=True)
class LoopBack:
    """What came back of a tone: None levels when it did not. `delay_s` is from playing to hearing."""

    level_dbfs: float | None
    over_noise_db: float
    delay_s: float | None


@contextlib.contextmanager
def keyed(control: RadioControl | None) -> Iterator[None]:
    """Key up, and release whatever happens: an error, Ctrl-C, or being told to end."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        if control is not None:
            control.key()
        yield
    finally:
        if control is not None:
            control.unkey()
        for number, handler in before.items():
            signal.signal(number, handler)


def send_tone(sink: AudioSink, control: RadioControl | None, seconds: float) -> None:
    """Key up, play a tone after a short lead, release. Sink and control are open. Raises DeviceError."""
    with keyed(control):
        time.sleep(LEAD_S)
        sink.write(tone(seconds), _FORMAT)


def loop_back(source: AudioSource, sink: AudioSink, control: RadioControl | None) -> LoopBack:
    """Play a tone and listen for it on the source; all three are open. Raises DeviceError."""
    ear = _Ear(source)
    ear.start()
    try:
        time.sleep(1.0)
        with keyed(control):
            time.sleep(LEAD_S)
            played_s = time.monotonic()
            sink.write(tone(LOOP_S), _FORMAT)
        time.sleep(0.5)
    finally:
        heard, started_s = ear.stop()
    return find_tone(heard, played_s - started_s)


def tone(seconds: float) -> bytes:
    """Return the tone with soft edges as 16-bit samples at RATE_HZ."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    sound = np.sin(2.0 * np.pi * TONE_HZ * times) * np.sqrt(2.0) * 10.0 ** (TONE_DBFS / 20.0)
    edge = np.minimum(1.0, np.minimum(times, times[::-1]) / 0.01)
    return bytes(np.rint(sound * edge * (FULL_SCALE - 1)).astype("<i2").tobytes())


def find_tone(heard: Pcm, played_s: float) -> LoopBack:
    """Look for the tone in what was heard from its start on; it was played `played_s` after that."""
    window = round(_WINDOW_S * RATE_HZ)
    whole = heard[: len(heard) - len(heard) % window].reshape(-1, window) / FULL_SCALE
    times = np.arange(window) / RATE_HZ
    wave = np.exp(-2j * np.pi * TONE_HZ * times)
    powers = 2.0 * np.abs(whole @ wave / window) ** 2
    first = round(played_s / _WINDOW_S)
    before, after = powers[:first], powers[first:]
    if not before.size or not after.size:
        return LoopBack(None, 0.0, None)
    noise = max(float(np.percentile(before, 95)), 1e-12)
    loud = float(np.percentile(after, 75))
    over_noise_db = 10.0 * float(np.log10(max(loud, 1e-12) / noise))
    if over_noise_db < _HEARD_OVER_NOISE_DB or dbfs(loud) < -70.0:  # noqa: PLR2004 - fainter is cross-talk
        return LoopBack(None, max(0.0, over_noise_db), None)
    begun = int(np.argmax(after > loud / 4.0))
    return LoopBack(dbfs(loud), over_noise_db, begun * _WINDOW_S)


class _Ear:
    """Keeps what a source delivers, on a thread of its own."""

    def __init__(self, source: AudioSource) -> None:
        self._source = source
        self._converter = Converter(source.format)
        self._heard: list[Pcm] = []
        self._started_s: float | None = None
        self._stopping = threading.Event()
        self._failure: DeviceError | None = None
        self._thread = threading.Thread(target=self._listen, name="loop-back", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> tuple[Pcm, float]:
        """Return what was heard, and the monotonic time of its first sample."""
        self._stopping.set()
        self._thread.join(5.0)
        if self._failure is not None:
            raise self._failure
        return np.concatenate([np.empty(0, np.int16), *self._heard]), self._started_s or time.monotonic()

    def _listen(self) -> None:
        try:
            while not self._stopping.is_set():
                frame = self._source.read(0.2)
                if frame is None:
                    continue
                if self._started_s is None:
                    self._started_s = frame.captured_ns / 1e9 - frame.duration_s
                self._heard.append(self._converter.feed(frame.pcm))
        except EndOfAudio:
            return
        except DeviceError as error:
            self._failure = error
