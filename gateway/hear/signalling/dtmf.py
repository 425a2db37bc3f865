"""DTMF: digits as pairs of tones, after ITU-T Q.23 (the tones) and Q.24 (what a receiver takes and refuses).

Of the limits Q.24 lists, AT&T's: a frequency error of 1.5 % is taken and 3.5 % refused (2.3 % here, with the
error of the measurement); 40 ms of tone and of pause are taken; the high tone may be 4 dB stronger or 8 dB
weaker (10 and 16 dB here: radios tilt their audio by their emphasis, and limiting adds to it). Speech and
sirens are refused by the share of the band's power the two tones hold, which Q.24 leaves to the receiver.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gateway.hear.signalling.spectrum import (
    HOP_S,
    QUIETEST,
    Bools,
    Float32,
    Ints,
    Run,
    Spectrum,
    nearest,
    runs,
)
from gateway.model import Signalling

LOW_HZ = (697.0, 770.0, 852.0, 941.0)
HIGH_HZ = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = "123A456B789C*0#D"
"""Row by row as on the keypad: a row is a low tone, a column a high one."""

TOLERANCE = 0.023
LOW_STRONGER = 10.0**1.6
HIGH_STRONGER = 10.0**1.0
"""Twist as a ratio of powers. Clipping presses the weaker tone down by another 6 dB."""
PURITY = 0.6
"""Two tones clipped to a square still hold two thirds of the power, two lines of a vowel rarely do."""
LEAST_FRAMES = 4
SWALLOW_FRAMES = 6
DIP = 0.15
"""Tone power in a pause, of the power before it: less is a new press of the same key, more is one press."""
LOCAL_FRAMES = 3
LOCAL_DROP = 0.25
"""A frame half over a tone's edge has a quarter of its power, so a press has as many frames as it is long."""
UNREAD_FRAMES = 2
UNREAD_POWER = 0.4
"""Of a press's power: a stretch between two presses that is this loud is no pause."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What every frame holds: its key (an index into KEYS, −1 for none) and its two tones' power."""

    key: Ints
    tones: Float32
    half: Bools
    """One of the two tones stands alone: a press that limiting or a filter has damaged beyond reading."""


def frame_keys(spectrum: Spectrum) -> Keys:
    """Look for the two tones of a key in every frame."""
    low_hz, low = spectrum.peak(650.0, 990.0)
    high_hz, high = spectrum.peak(1160.0, 1690.0)
    row = nearest(low_hz, np.array(LOW_HZ), TOLERANCE)
    column = nearest(high_hz, np.array(HIGH_HZ), TOLERANCE)
    both = low + high
    loud = spectrum.band >= QUIETEST
    heard: Bools = (
        loud
        & (row >= 0)
        & (column >= 0)
        & (both >= PURITY * spectrum.band)
        & (low <= LOW_STRONGER * high)
        & (high <= HIGH_STRONGER * low)
        & (both >= LOCAL_DROP * _loudest_near(both))
    )
    half = loud & (
        ((row >= 0) & (low >= PURITY * spectrum.band)) | ((column >= 0) & (high >= PURITY * spectrum.band))
    )
    return Keys(np.where(heard, row * 4 + column, -1), both, half)


def decode(keys: Keys, least_digits: int, pause_s: float) -> list[Signalling]:
    """Read runs of at least `least_digits` digits, `pause_s` or less apart.

    A run in or beside which a press could not be read gives nothing: an id short of a digit is another's id.
    """
    found: list[Signalling] = []
    digits: list[Run] = []
    whole = True
    for press in [*_presses(keys), None]:
        if digits:
            unread = _unread(keys, digits[-1], press)
            apart = press is None or (press.start - digits[-1].end) * HOP_S > pause_s
            if apart or unread > 2 * max(digit.frames for digit in digits):
                if whole and len(digits) >= least_digits and not _damaged_beside(keys, digits):
                    text = "".join(KEYS[digit.symbol] for digit in digits)
                    found.append(Signalling("dtmf", text, digits[0].start * HOP_S))
                digits, whole = [], True
            elif unread >= UNREAD_FRAMES:
                whole = False
        if press is not None:
            digits.append(press)
    return found


def _unread(keys: Keys, before: Run, after: Run | None) -> int:
    """Return the longest stretch (frames) between two presses that is as loud as they are."""
    if after is None:
        return 0
    least = UNREAD_POWER * min(_power(keys, before), _power(keys, after))
    between = keys.tones[before.end : after.start] >= least
    return max((run.frames for run in runs(np.where(between, 0, -1))), default=0)


def _damaged_beside(keys: Keys, digits: list[Run]) -> bool:
    """Tell whether half a key stands where the digit before the first or after the last would."""
    step = max((b.start - a.start for a, b in pairwise(digits)), default=0)
    first, last = digits[0], digits[-1]
    for near, start, end in ((first, first.start - step, first.start), (last, last.end, last.end + step)):
        inside = slice(max(0, start), end)
        damaged = keys.half[inside] & (keys.tones[inside] >= UNREAD_POWER * _power(keys, near))
        if any(run.frames >= LEAST_FRAMES - 1 for run in runs(np.where(damaged, 0, -1))):
            return True
    return False


def _power(keys: Keys, press: Run) -> float:
    return float(keys.tones[press.start : press.end].max())


def _presses(keys: Keys) -> list[Run]:
    """Join the runs that noise tore apart, then drop what is too short to be a press."""
    joined: list[Run] = []
    for run in runs(keys.key):
        before = joined[-1] if joined else None
        if before and before.symbol == run.symbol and run.start - before.end <= SWALLOW_FRAMES:
            loud = min(_power(keys, before), _power(keys, run))
            if keys.tones[before.end : run.start].min() >= DIP * loud:
                joined[-1] = Run(run.symbol, before.start, run.end)
                continue
        joined.append(run)
    return [run for run in joined if run.frames >= LEAST_FRAMES]


def _loudest_near(power: Float32) -> Float32:
    padded = np.pad(power, LOCAL_FRAMES)
    loudest: Float32 = np.lib.stride_tricks.sliding_window_view(padded, 2 * LOCAL_FRAMES + 1).max(axis=1)
    return loudest
