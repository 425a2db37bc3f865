"""Calls that carry their own number, and a virtual radio that notes how much of each was read.

The number is in the sound itself, four hexadecimal digits as tones, so that whatever the gateway stores or
publishes can be traced to the call it came from without trusting anything the gateway wrote about it.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from drivers.airscript import Call
from drivers.base import AudioFrame
from drivers.virtual import VirtualSource, VirtualSourceOptions
from gateway.model import RATE_HZ, Pcm

SYMBOL = RATE_HZ // 25
DIGITS = 4
SYNC_HZ = 2_500.0
LOWEST_HZ = 500.0
SPACING_HZ = 100.0
HOP = RATE_HZ // 200
BEGUN_AFTER_S = 0.25
"""By then the carrier has opened the squelch and what was heard of the call is kept."""
OVER_AFTER_S = 0.45
"""By then the hang time is over and the transmission complete."""


def numbered(number: int, repeats: int = 3) -> Pcm:
    """The sound of a call number, 0.2 s for each repeat."""
    digits = [(number >> shift) & 0xF for shift in (12, 8, 4, 0)]
    once = [SYNC_HZ, *(LOWEST_HZ + SPACING_HZ * digit for digit in digits)]
    time = np.arange(SYMBOL) / RATE_HZ
    tones = [np.sin(2 * np.pi * hz * time) for hz in once] * repeats
    return (8_000 * np.concatenate(tones)).astype(np.int16)


def number_of(pcm: Pcm) -> int | None:
    """Read the number from a call's sound, wherever it begins and ends; None when too little is left."""
    hz = np.array([LOWEST_HZ + SPACING_HZ * digit for digit in range(16)] + [SYNC_HZ])
    probes = np.exp(-2j * np.pi * np.outer(hz, np.arange(SYMBOL) / RATE_HZ))
    starts = range(0, len(pcm) - SYMBOL * (DIGITS + 1) + 1, HOP)
    votes: dict[int, float] = {}
    for start in starts:
        stretch = pcm[start : start + SYMBOL * (DIGITS + 1)].astype(np.float64)
        powers = np.abs(probes @ stretch.reshape(DIGITS + 1, SYMBOL).T)
        total = np.sqrt((stretch.reshape(DIGITS + 1, SYMBOL) ** 2).sum(axis=1) * SYMBOL / 2) + 1e-9
        best = powers.argmax(axis=0)
        if best[0] != len(hz) - 1 or (powers.max(axis=0) / total).min() < 0.9 or (best[1:] == 16).any():
            continue
        number = int("".join(f"{digit:x}" for digit in best[1:]), 16)
        votes[number] = votes.get(number, 0.0) + 1.0
    return max(votes, key=lambda number: votes[number]) if votes else None


@dataclass(frozen=True, slots=True)
class CrashAirOptions(VirtualSourceOptions):
    """`said` is the file that tells which calls were read, and how far."""

    said: Path = Path("said")


class CrashAir(VirtualSource):
    """A virtual radio that notes `begun N` and `over N` once the capture thread has taken that much."""

    Options = CrashAirOptions

    def __init__(self, options: CrashAirOptions) -> None:
        super().__init__(options)
        self._notes = os.open(options.said, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._noted: set[str] = set()

    def _read(self, timeout_s: float) -> AudioFrame | None:
        # Asked for the next frame, the capture has done everything with those before.
        air: Any = self._air
        if air is not None:
            for call in air.script.calls:
                self._note(call, self._position / RATE_HZ)
        return super()._read(timeout_s)

    def _note(self, call: Call, position_s: float) -> None:
        for word, at_s in (
            ("begun", call.at_s + BEGUN_AFTER_S),
            ("over", call.end_s + OVER_AFTER_S),
        ):
            line = f"{word} {call.file.stem}\n"
            if position_s >= at_s and line not in self._noted:
                self._noted.add(line)
                os.write(self._notes, line.encode())
