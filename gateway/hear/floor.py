"""How loud the speech band is, and how loud it is when nobody speaks. Pure, as the segmenter is."""

from collections import deque

import numpy as np
import numpy.typing as npt

from gateway.model import RATE_HZ, Pcm

BLOCK = RATE_HZ // 50
"""Samples per block of 20 ms."""
_BAND = slice(300 * BLOCK // RATE_HZ, 3000 * BLOCK // RATE_HZ + 1)
_WINDOW = np.hanning(BLOCK + 1)[:-1].astype(np.float32)
_TO_MEAN_SQUARE = 2.0 / (BLOCK * float(np.sum(_WINDOW**2)) * 32768.0**2)
_FLOOR_BLOCKS = 10
_UNSTEADY_DB = 1.6
"""Deviation of block levels inside 0.2 s; noise measures 0.7 dB, speech mostly over 3 dB."""
_LINE_SHARE = 0.9
_START_DOUBT_DB = 6.0


def ratio(db: float) -> float:
    """Return the ratio of powers that `db` decibels are."""
    return float(10.0 ** (db / 10.0))


def measure(blocks: Pcm) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return each block's mean square in the speech band and the share of it in its strongest line."""
    spectrum = np.fft.rfft(blocks * _WINDOW, axis=1)[:, _BAND]
    power = spectrum.real**2 + spectrum.imag**2
    band = power.sum(axis=1)
    # A Hann window spreads a steady line over five bins.
    lines = power[:, :-4] + power[:, 1:-3] + power[:, 2:-2] + power[:, 3:-1] + power[:, 4:]
    share = lines.max(axis=1) / np.maximum(band, 1e-3)
    return band * _TO_MEAN_SQUARE, share


def starting_floor(powers: list[float], lines: list[float]) -> float:
    """Judge from the first second of a stream how loud its noise is. Returns a mean square."""
    span = min(_FLOOR_BLOCKS, len(powers))
    if not span:
        return 0.0
    starts = range(len(powers) - span + 1)
    quietest = min(starts, key=lambda start: sum(powers[start : start + span]))
    stretch = np.maximum(powers[quietest : quietest + span], 1e-12)
    floor = float(stretch.mean())
    if float(np.median(lines[quietest : quietest + span])) > _LINE_SHARE:
        return 0.0
    if float(np.std(10.0 * np.log10(stretch))) > _UNSTEADY_DB:
        return floor * ratio(-_START_DOUBT_DB)
    return floor


class Floor:
    """The quietest 0.2 s of the last few seconds, as a mean square."""

    def __init__(self, window_blocks: int) -> None:
        self._window_blocks = window_blocks
        self._recent: deque[float] = deque(maxlen=_FLOOR_BLOCKS)
        self._rising: deque[tuple[int, float]] = deque()
        self._count = 0
        self.power = 0.0

    def assume(self, power: float) -> None:
        """Start from a floor that was judged otherwise."""
        self._rising.append((0, power))
        self.power = power

    def hear(self, power: float) -> None:
        """Take the mean square of the next block."""
        self._count += 1
        self._recent.append(power)
        if len(self._recent) < _FLOOR_BLOCKS:
            return
        mean = sum(self._recent) / _FLOOR_BLOCKS
        rising = self._rising
        while rising and rising[-1][1] >= mean:
            rising.pop()
        rising.append((self._count, mean))
        if rising[0][0] <= self._count - self._window_blocks:
            rising.popleft()
        self.power = rising[0][1]
