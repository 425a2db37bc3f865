"""How loud the speech band is, and how loud it is when nobody speaks. Pure, as the segmenter is."""

from collections import deque
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gateway.hear.audio import middle
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
_DIGITAL_SILENCE = 1e-12
_NOISE_BLOCKS = 25
"""Steady for so long after the zeros that a starting sound card delivers, a noise is the floor."""


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


def _is_noise(powers: list[float], lines: list[float]) -> bool:
    return _spread_db(powers) <= _UNSTEADY_DB and middle(lines) <= _LINE_SHARE


def _spread_db(powers: list[float]) -> float:
    return float(np.std(10.0 * np.log10(np.maximum(powers, _DIGITAL_SILENCE))))


class StartingFloor(NamedTuple):
    """What a stream's noise is taken to be at first, as a mean square, and whether it was heard alone.

    The first `mute_blocks` of the stream are no sound at all and must not be listened to.
    """

    power: float
    is_heard: bool
    mute_blocks: int = 0


def starting_floor(powers: list[float], lines: list[float]) -> StartingFloor:
    """Judge from the first second of a stream how loud its noise is."""
    span = min(_FLOOR_BLOCKS, len(powers))
    if not span:
        return StartingFloor(0.0, is_heard=False)
    begun = next((at + 1 for at, power in enumerate(powers) if power > _DIGITAL_SILENCE), 0)
    if begun > 1 and len(powers) - begun >= _NOISE_BLOCKS and _is_noise(powers[begun:], lines[begun:]):
        return StartingFloor(float(np.mean(powers[begun:])), is_heard=True, mute_blocks=begun)
    starts = range(len(powers) - span + 1)
    quietest = min(starts, key=lambda start: sum(powers[start : start + span]))
    quiet = slice(quietest, quietest + span)
    floor = float(np.maximum(powers[quiet], _DIGITAL_SILENCE).mean())
    if middle(lines[quiet]) > _LINE_SHARE:
        return StartingFloor(0.0, is_heard=False)
    if _spread_db(powers[quiet]) > _UNSTEADY_DB:
        return StartingFloor(floor * ratio(-_START_DOUBT_DB), is_heard=False)
    return StartingFloor(floor, is_heard=True)


class Floor:
    """The quietest 0.2 s of the last few seconds, as a mean square."""

    def __init__(self, window_blocks: int) -> None:
        self._window_blocks = window_blocks
        self._recent: deque[float] = deque(maxlen=_FLOOR_BLOCKS)
        self._rising: deque[tuple[int, float]] = deque()
        self._count = 0
        self._is_guess = False
        self._mute_blocks = 0
        self.power = 0.0

    def assume(self, start: StartingFloor) -> None:
        """Start from a floor that was judged otherwise."""
        self._rising.append((0, start.power))
        self._is_guess = not start.is_heard
        self._mute_blocks = start.mute_blocks
        self.power = start.power

    @property
    def is_heard(self) -> bool:
        """Whether the floor now is one that was heard, and not the guess that the stream started from."""
        return not (self._is_guess and self._rising[0][0] == 0)

    def hear(self, power: float) -> None:
        """Take the mean square of the next block."""
        self._count += 1
        if self._count <= self._mute_blocks:
            return
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
