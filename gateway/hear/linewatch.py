"""What is wrong with the sound of a radio's line: hum, clipping, too low a level, silence for hours. Pure.

*Hum* is looked for while nobody speaks, a second at a time: the power in the lines of 50 Hz and its
harmonics up to 500 Hz, which has to be above a level and to be most of what lies between 20 and 1,000 Hz.
*Clipping* and *level* are those of whole transmissions, because that is what people send; short ones say too
little. *Silence* is told when nothing was transmitted for hours on a channel that used to have traffic at
these hours of the day: most of the days before had some, counted back from now by the monotonic clock.

Each is on only after it was found several times in a row, and off only after it was clearly absent as often,
at another threshold: a voice that shouts once, or one who whispers, is no fault of the line.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from gateway.hear.audio import FULL_SCALE, dbfs
from gateway.hear.classify import clipped_share
from gateway.hear.floor import BLOCK, measure
from gateway.model import RATE_HZ, Pcm

MAINS_HZ = 50
_HARMONICS = 10
_DRIFT = 0.004
"""The grid keeps its 50 Hz within 0.2 Hz."""
_HUM_BAND_HZ = (20, 1000)
_HUM_SHARE = 0.6
_HUM_HYSTERESIS_DB = 6.0
_HUM_SECONDS = 8
_TRANSMISSIONS = 3
_LEAST_S = 1.0
"""Transmissions shorter than this say nothing about level or clipping."""
_LEVEL_HYSTERESIS_DB = 3.0
_CLIPPING_FALL = 0.3
"""Clipping is over when the share is this much of its limit."""
_DAY_S = 86_400.0
_BUCKET_S = 600.0
_DAYS = 7

Trouble = Literal["hum", "clipping", "level", "silence"]


@dataclass(frozen=True, slots=True)
class LineLimits:
    """From where on something is wrong; None leaves that out.

    `hum_dbfs` is the level of the hum, `clipped_share` of the samples of a transmission, `low_dbfs` the level
    of its loud parts in the speech band. `silence_h` hours without a transmission are told when there were
    `busy_calls` or more in the same hours of most days before.
    """

    hum_dbfs: float | None = -45.0
    clipped_share: float | None = 0.01
    low_dbfs: float | None = -42.0
    silence_h: float | None = 6.0
    busy_calls: int = 3


class Latch:
    """On after `needed` findings in a row, off after as many clear absences in a row."""

    def __init__(self, needed: int, *, is_on: bool = False) -> None:
        self.is_on = is_on
        self._needed = needed
        self._count = 0

    def note(self, *, present: bool, absent: bool) -> bool:
        """Take one finding; return whether it is on."""
        against = absent if self.is_on else present
        self._count = self._count + 1 if against else 0
        if self._count >= self._needed:
            self.is_on, self._count = not self.is_on, 0
        return self.is_on


class LineWatch:
    """Watches one radio. One thread only; times are monotonic seconds."""

    def __init__(self, limits: LineLimits | None = None, earlier: Mapping[str, str] | None = None) -> None:
        """Begin to watch; `earlier` is what was wrong, with a sentence, when somebody watched last."""
        still = earlier or {}
        self._limits = limits or LineLimits()
        self._idle: list[Pcm] = []
        self._idle_length = 0
        self._hum = Latch(_HUM_SECONDS, is_on="hum" in still)
        self._clipping = Latch(_TRANSMISSIONS, is_on="clipping" in still)
        self._low = Latch(_TRANSMISSIONS, is_on="level" in still)
        self._traffic = Traffic(
            self._limits.silence_h, self._limits.busy_calls, still_silent=still.get("silence")
        )
        watched: tuple[Trouble, ...] = get_args(Trouble)
        self._troubles: dict[Trouble, str] = {what: still[what] for what in watched if what in still}

    @property
    def troubles(self) -> dict[Trouble, str]:
        """What is wrong now: "hum", "clipping", "level" or "silence", each with a sentence."""
        return self._troubles

    def heard_before(self, at_s: float) -> None:
        """Take up a transmission of an earlier run; in order, before anything else."""
        self._traffic.count(at_s, is_earlier=True)

    def hear(self, pcm: Pcm, at_s: float, *, is_idle: bool) -> None:
        """Take the next samples, heard until `at_s`; `is_idle` when nobody transmits."""
        if self._limits.hum_dbfs is not None:
            if is_idle:
                self._idle.append(pcm)
                self._idle_length += len(pcm)
            else:
                self._idle, self._idle_length = [], 0
            while self._idle_length >= RATE_HZ:
                waiting = np.concatenate(self._idle)
                self._idle, self._idle_length = [waiting[RATE_HZ:]], len(waiting) - RATE_HZ
                self._judge_hum(waiting[:RATE_HZ])
        self._tell("silence", self._traffic.silence(at_s))

    def transmission(self, audio: Pcm, at_s: float) -> None:
        """Take a whole transmission that ended at `at_s`."""
        self._traffic.count(at_s)
        self._tell("silence", None)
        if len(audio) < _LEAST_S * RATE_HZ:
            return
        self._judge_clipping(clipped_share(audio))
        self._judge_level(loud_dbfs(audio))

    def _judge_hum(self, second: Pcm) -> None:
        limit = self._limits.hum_dbfs
        assert limit is not None
        level, share = hum_of(second)
        is_on = self._hum.note(
            present=level >= limit and share >= _HUM_SHARE,
            absent=level < limit - _HUM_HYSTERESIS_DB or share < _HUM_SHARE / 2,
        )
        message = f"mains hum of {level:.0f} dBFS lies on the line (more than {limit:.0f} is too much)"
        self._tell("hum", message if is_on else None, keep=True)

    def _judge_clipping(self, share: float) -> None:
        limit = self._limits.clipped_share
        if limit is None:
            return
        is_on = self._clipping.note(present=share >= limit, absent=share < limit * _CLIPPING_FALL)
        message = f"transmissions are clipped: {share:.1%} of the last one's samples are cut off"
        self._tell("clipping", message if is_on else None, keep=True)

    def _judge_level(self, level: float) -> None:
        limit = self._limits.low_dbfs
        if limit is None:
            return
        is_on = self._low.note(present=level < limit, absent=level >= limit + _LEVEL_HYSTERESIS_DB)
        message = (
            f"transmissions are too low: the last one's voice is at {level:.0f} dBFS, {limit:.0f} is least"
        )
        self._tell("level", message if is_on else None, keep=True)

    def _tell(self, what: Trouble, message: str | None, *, keep: bool = False) -> None:
        """Note a trouble, in the words it began with when `keep`, or that there is none."""
        if message is None:
            self._troubles.pop(what, None)
        elif not (keep and what in self._troubles):
            self._troubles[what] = message


def hum_of(second: Pcm) -> tuple[float, float]:
    """Return the level of mains hum in a second of sound in dBFS, and its share of 20 to 1,000 Hz."""
    window = np.hanning(len(second))
    power = np.abs(np.fft.rfft(second / FULL_SCALE * window)) ** 2
    power *= 2.0 / (len(second) * float(np.sum(window**2)))
    per_hz = len(second) / RATE_HZ
    low, high = (round(hz * per_hz) for hz in _HUM_BAND_HZ)
    in_lines = 0.0
    for harmonic in range(1, _HARMONICS + 1):
        hz = MAINS_HZ * harmonic
        around = 2.0 + hz * _DRIFT
        in_lines += float(power[round((hz - around) * per_hz) : round((hz + around) * per_hz) + 1].sum())
    total = float(power[low : high + 1].sum())
    return dbfs(in_lines), in_lines / total if total > 0.0 else 0.0


def loud_dbfs(audio: Pcm) -> float:
    """Return the level in the speech band that a tenth of the 20 ms blocks reach or pass."""
    whole = audio[: len(audio) - len(audio) % BLOCK].reshape(-1, BLOCK)
    powers, _ = measure(whole)
    return dbfs(float(np.percentile(powers, 90))) if len(powers) else dbfs(0.0)


class Traffic:
    """How many transmissions there were in the last days, ten minutes at a time."""

    def __init__(self, silence_h: float | None, busy_calls: int, *, still_silent: str | None = None) -> None:
        """Begin to count; `still_silent` is what was said of a silence that nobody has ended since."""
        self._silence_s = None if silence_h is None else silence_h * 3600.0
        self._busy_calls = busy_calls
        self._since_s: float | None = None
        self._last_s = 0.0
        self._asked_s = float("-inf")
        self._answer: str | None = None
        self._still_silent = still_silent
        self._buckets: deque[tuple[int, int]] = deque()

    def count(self, at_s: float, *, is_earlier: bool = False) -> None:
        """Note a transmission; those of an earlier run first."""
        if self._since_s is None:
            self._since_s = at_s
        self._last_s = at_s
        self._asked_s = float("-inf")
        if not is_earlier:
            self._still_silent = None
        bucket = int(at_s // _BUCKET_S)
        if self._buckets and self._buckets[-1][0] == bucket:
            self._buckets[-1] = (bucket, self._buckets[-1][1] + 1)
        else:
            self._buckets.append((bucket, 1))
        while self._buckets[0][0] < bucket - (_DAYS + 1) * _DAY_S // _BUCKET_S:
            self._buckets.popleft()

    def silence(self, at_s: float) -> str | None:
        """Return what to say about the silence at `at_s`, None when it is none or usual at this time."""
        if self._since_s is None:
            self._since_s = self._last_s = at_s
        if self._still_silent is not None:
            return self._still_silent
        if self._silence_s is None or at_s - self._last_s < self._silence_s:
            self._answer = None
        elif at_s - self._asked_s >= _BUCKET_S:
            self._asked_s = at_s
            # Once told, it stays true until somebody transmits.
            if self._answer is None and self._is_unusual(at_s, self._since_s):
                hours = (at_s - self._last_s) / 3600.0
                self._answer = f"nobody was heard for {hours:.0f} h on a channel that is busy at this time"
        return self._answer

    def _is_unusual(self, at_s: float, since_s: float) -> bool:
        assert self._silence_s is not None
        busy = quiet = 0
        for day in range(1, _DAYS + 1):
            end_s = at_s - day * _DAY_S
            start_s = end_s - self._silence_s
            if start_s < since_s:
                break
            heard = sum(n for bucket, n in self._buckets if start_s <= bucket * _BUCKET_S < end_s)
            busy, quiet = (busy + 1, quiet) if heard >= self._busy_calls else (busy, quiet + 1)
        return busy > quiet
