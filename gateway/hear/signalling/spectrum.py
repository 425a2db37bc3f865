"""The picture every tone decoder looks at: short-time power, computed once per transmission.

Frame i is a 32 ms Hann window around i × 8 ms, so a tone of 40 ms fills at least one frame and a gap of 40 ms
empties one. Powers are mean squares on a scale of −1..1: the bins of one full-scale sine add up to 0.5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gateway.model import RATE_HZ, Pcm

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]

WINDOW = 512
HOP = 128
HOP_S = HOP / RATE_HZ
BIN_HZ = RATE_HZ / WINDOW
BAND_HZ = (281.0, 3406.0)
"""What counts as the channel's audio. CTCSS lies below; a 300 to 3000 Hz radio has nothing above."""
QUIETEST = 10.0 ** (-55.0 / 10.0)
"""Mean square of the band below which a frame is silence: nothing on the air is that quiet."""

_KEPT_BINS = 112
_BLOCK_FRAMES = 512
_LOBE = 2
"""Bins either side of a peak that hold a Hann window's main lobe."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Power per frame and bin (0 to 3.5 kHz), and each frame's power inside BAND_HZ."""

    power: Float32
    band: Float32

    def within(self, low_hz: float, high_hz: float) -> Float32:
        """Return each frame's power between two frequencies."""
        low, high = round(low_hz / BIN_HZ), round(high_hz / BIN_HZ)
        total: Float32 = self.power[:, low : high + 1].sum(axis=1)
        return total

    def peak(self, low_hz: float, high_hz: float) -> tuple[Float32, Float32]:
        """Return the frequency (Hz) and power of each frame's strongest line between two frequencies.

        The frequency is interpolated between bins: good to about 1 Hz at 20 dB over the noise in the bin.
        """
        low, high = round(low_hz / BIN_HZ), round(high_hz / BIN_HZ)
        top = self.power[:, low : high + 1].argmax(axis=1) + low
        rows = np.arange(len(top))[:, np.newaxis]
        lobe = self.power[rows, top[:, np.newaxis] + np.arange(-_LOBE, _LOBE + 1)]
        left, centre, right = np.log(lobe[:, _LOBE - 1 : _LOBE + 2] + np.float32(1e-20)).T
        bend = 2.0 * centre - left - right
        shift = np.divide(right - left, 2.0 * bend, out=np.zeros_like(bend), where=bend > 0.0)
        frequency: Float32 = ((top + np.clip(shift, -0.5, 0.5)) * BIN_HZ).astype(np.float32)
        return frequency, lobe.sum(axis=1)


def spectrum(audio: Pcm) -> Spectrum:
    """Look at a whole transmission. Any length, none included."""
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    scale = np.float32(2.0 / (WINDOW * float((window**2).sum())))
    samples = np.zeros(len(audio) + WINDOW, np.float32)
    samples[WINDOW // 2 : WINDOW // 2 + len(audio)] = audio
    samples /= np.float32(32768.0)
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    power = np.empty((len(frames), _KEPT_BINS), np.float32)
    for start in range(0, len(frames), _BLOCK_FRAMES):
        lines = np.fft.rfft(frames[start : start + _BLOCK_FRAMES] * window, axis=1)[:, :_KEPT_BINS]
        power[start : start + _BLOCK_FRAMES] = (lines.real**2 + lines.imag**2) * scale
    low, high = round(BAND_HZ[0] / BIN_HZ), round(BAND_HZ[1] / BIN_HZ)
    return Spectrum(power, power[:, low : high + 1].sum(axis=1))


@dataclass(frozen=True, slots=True)
class Run:
    """Frames `start` up to but not including `end` that carry the same symbol."""

    symbol: int
    start: int
    end: int

    @property
    def frames(self) -> int:
        """How many frames."""
        return self.end - self.start


def runs(symbols: Ints) -> list[Run]:
    """Split frames into runs of one symbol, leaving out the frames that carry none (−1)."""
    if not len(symbols):
        return []
    edges = np.flatnonzero(np.diff(symbols)) + 1
    starts = np.concatenate([[0], edges])
    ends = np.concatenate([edges, [len(symbols)]])
    kept = symbols[starts] >= 0
    return [
        Run(int(symbols[start]), int(start), int(end))
        for start, end in zip(starts[kept], ends[kept], strict=True)
    ]


def nearest(frequency: Float32, table: npt.NDArray[np.floating], tolerance: float) -> Ints:
    """Return which tone of `table` each frequency is (an index), −1 where none is within `tolerance`."""
    ascending = np.argsort(table)
    tones = table[ascending]
    middles = np.sqrt(tones[1:] * tones[:-1])
    place = np.searchsorted(middles, frequency)
    close = np.abs(frequency / tones[place] - 1.0) <= tolerance
    found: Ints = np.where(close, ascending[place], -1)
    return found
