"""What a scripted channel sounds like."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from drivers.airscript import AirScript
from drivers.base import DeviceLost
from drivers.wavefile import open_recording

RATE_HZ = 16_000
"""The rate of a virtual radio."""
_NOISE_S = 4
_FULL_SCALE = 32768.0

Samples = npt.NDArray[np.float32]
"""Mono at RATE_HZ, on a scale of -1..1."""


@dataclass(frozen=True, slots=True, eq=False)
class OnAir:
    """Somebody transmits: carrier from `at_s`, `samples` after `lead_s`, carrier gone `tail_s` after them.

    `noise_dbfs` lies under it while keyed, the channel's own noise when None.
    """

    at_s: float
    samples: Samples
    noise_dbfs: float | None = None
    lead_s: float = 0.0
    tail_s: float = 0.0

    @property
    def end_s(self) -> float:
        """When the carrier drops."""
        return self.at_s + self.lead_s + len(self.samples) / RATE_HZ + self.tail_s

    def covers(self, at_s: float) -> bool:
        """Whether its carrier is up."""
        return self.at_s <= at_s < self.end_s


class AirSound:
    """The channel's sound at any position, always the same for the same script."""

    def __init__(self, script: AirScript) -> None:
        self.script = script
        noise = np.random.default_rng(1).standard_normal(_NOISE_S * RATE_HZ).astype(np.float32)
        self._noise: Samples = noise
        self._loaded: dict[int, OnAir] = {}

    def play(self, position: int, length: int, live: Iterable[OnAir] = ()) -> Samples:
        """Return `length` samples from `position` on, of the script and of `live` transmissions."""
        sound = np.zeros(length, dtype=np.float32)
        noise = np.full(length, _amplitude(self.script.noise_dbfs), dtype=np.float32)
        for one in (*self._calls(position, length), *live):
            first, last = round(one.at_s * RATE_HZ) - position, round(one.end_s * RATE_HZ) - position
            if last <= 0 or first >= length:
                continue
            if one.noise_dbfs is not None:
                noise[max(0, first) : last] = _amplitude(one.noise_dbfs)
            put(sound, one.samples, round((one.at_s + one.lead_s) * RATE_HZ) - position)
        hiss = self._noise[np.arange(position, position + length) % len(self._noise)]
        mixed: Samples = sound + hiss * noise
        return mixed

    def _calls(self, position: int, length: int) -> Iterable[OnAir]:
        """Read the recordings of the calls that are on the air now, and forget those that are over."""
        for index, call in enumerate(self.script.calls):
            if round(call.end_s * RATE_HZ) <= position:
                self._loaded.pop(index, None)
            elif round(call.at_s * RATE_HZ) < position + length:
                if index not in self._loaded:
                    samples = load_recording(call.file, call.gain_db)
                    self._loaded[index] = OnAir(call.at_s, samples, call.noise_dbfs, call.lead_s, call.tail_s)
                yield self._loaded[index]


def put(sound: Samples, piece: Samples, start: int) -> None:
    """Add what lies within `sound` of a `piece` that begins at index `start`, which may be negative."""
    inside = piece[max(0, -start) : max(0, len(sound) - start)]
    sound[max(0, start) : max(0, start) + len(inside)] += inside


def to_bytes(sound: Samples) -> bytes:
    """Turn into 16-bit samples, limiting what is louder."""
    return bytes(np.clip(np.rint(sound * np.float32(_FULL_SCALE)), -32768, 32767).astype("<i2").tobytes())


def load_recording(path: Path, gain_db: float = 0.0) -> Samples:
    """Read a recording at RATE_HZ, all channels averaged. Raises DeviceLost when it is damaged."""
    with open_recording(path) as file:
        try:
            audio = file.read(dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise DeviceLost(f"{path} is damaged ({error})") from error
        mono = soxr.resample(audio.mean(axis=1), file.samplerate, RATE_HZ)
    gained: Samples = (mono * np.float32(10.0 ** (gain_db / 20.0))).astype(np.float32)
    return gained


def _amplitude(level: float | None) -> float:
    return 0.0 if level is None else float(10.0 ** (level / 20.0))
