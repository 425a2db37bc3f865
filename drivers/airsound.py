"""What a scripted channel sounds like."""

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from drivers.airscript import AirScript, Call
from drivers.base import DeviceLost
from drivers.wavefile import open_recording

RATE_HZ = 16_000
"""The rate of a virtual radio."""
_NOISE_S = 4
_FULL_SCALE = 32768.0

Samples = npt.NDArray[np.float32]


class AirSound:
    """The channel's sound at any position, always the same for the same script."""

    def __init__(self, script: AirScript) -> None:
        self.script = script
        noise = np.random.default_rng(1).standard_normal(_NOISE_S * RATE_HZ).astype(np.float32)
        self._noise: Samples = noise
        self._loaded: dict[int, Samples] = {}

    def play(self, position: int, length: int) -> bytes:
        """Return `length` samples from `position` on."""
        sound = np.zeros(length, dtype=np.float32)
        noise = np.full(length, _amplitude(self.script.noise_dbfs), dtype=np.float32)
        for index, call in enumerate(self.script.calls):
            first, last = round(call.at_s * RATE_HZ), round(call.end_s * RATE_HZ)
            if last <= position:
                self._loaded.pop(index, None)
            elif first < position + length:
                if call.noise_dbfs is not None:
                    noise[max(0, first - position) : last - position] = _amplitude(call.noise_dbfs)
                self._add(sound, index, call, position)
        hiss = self._noise[np.arange(position, position + length) % len(self._noise)]
        mixed = np.rint((sound + hiss * noise) * np.float32(_FULL_SCALE))
        return bytes(np.clip(mixed, -32768, 32767).astype("<i2").tobytes())

    def _add(self, sound: Samples, index: int, call: Call, position: int) -> None:
        if index not in self._loaded:
            self._loaded[index] = _load(call)
        audio = self._loaded[index]
        start = round(call.audio_at_s * RATE_HZ) - position
        skip = max(0, -start)
        piece = audio[skip : len(sound) - start] if len(sound) > start else audio[:0]
        sound[max(0, start) : max(0, start) + len(piece)] += piece


def _load(call: Call) -> Samples:
    """Read a call's recording, all channels averaged."""
    with open_recording(call.file) as file:
        try:
            audio = file.read(dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise DeviceLost(f"{call.file} is damaged ({error})") from error
        mono = soxr.resample(audio.mean(axis=1), file.samplerate, RATE_HZ)
    gained: Samples = (mono * np.float32(10.0 ** (call.gain_db / 20.0))).astype(np.float32)
    return gained


def _amplitude(level: float | None) -> float:
    return 0.0 if level is None else float(10.0 ** (level / 20.0))
