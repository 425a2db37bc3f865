"""Five-tone selective calling: one digit after the other, no pause, a repeat tone so that neighbours differ.

A sequence is taken when every tone is pure, is on the table, follows the one before at the standard's pace,
and the length is one that is expected. The pace tells the standards apart (40, 70 and 100 ms), so trying all
of them costs nothing in certainty. The first tone may be stretched to wake sleeping receivers.
"""

from dataclasses import dataclass

import numpy as np

from gateway.hear.signalling.settings import Standard
from gateway.hear.signalling.spectrum import HOP_S, QUIETEST, Ints, Run, Spectrum, nearest, runs
from gateway.model import Signalling

REPEAT = "E"


@dataclass(frozen=True, slots=True)
class ToneTable:
    """A standard's tones in Hz by digit, and how long each lasts."""

    hz: dict[str, float]
    tone_s: float


_CCIR_DIGITS = {
    "0": 1981.0,
    "1": 1124.0,
    "2": 1197.0,
    "3": 1275.0,
    "4": 1358.0,
    "5": 1446.0,
    "6": 1540.0,
    "7": 1640.0,
    "8": 1747.0,
    "9": 1860.0,
}
_ZVEI_DIGITS = {
    "0": 2400.0,
    "1": 1060.0,
    "2": 1160.0,
    "3": 1270.0,
    "4": 1400.0,
    "5": 1530.0,
    "6": 1670.0,
    "7": 1830.0,
    "8": 2000.0,
    "9": 2200.0,
}

TABLES: dict[Standard, ToneTable] = {
    # ZVEI (Germany): digits and repeat as in Zetron's Model 15 manual, table 7-7; A to D as multimon-ng.
    "ZVEI1": ToneTable(_ZVEI_DIGITS | {"A": 2800.0, "B": 810.0, "C": 970.0, "D": 885.0, "E": 2600.0}, 0.070),
    "ZVEI2": ToneTable(_ZVEI_DIGITS | {"A": 885.0, "B": 810.0, "E": 970.0}, 0.070),
    # CCIR: digits and repeat as in Zetron's table, A to D as in multimon-ng; 100 ms ± 10 ms a tone.
    "CCIR": ToneTable(_CCIR_DIGITS | {"A": 2400.0, "B": 930.0, "C": 2247.0, "D": 991.0, "E": 2110.0}, 0.100),
    # EEA (United Kingdom): CCIR's digits at 40 ms; sources disagree about C, so it is left out.
    "EEA": ToneTable(_CCIR_DIGITS | {"A": 1055.0, "B": 930.0, "D": 991.0, "E": 2110.0}, 0.040),
}

TOLERANCE = 0.021
"""Taken off the table: 1.5 % of the sender's and the peak's own error. Tones are 6 % apart or more."""
PURITY = 0.62
PACE_TOLERANCE = 0.15
LONGEST_FIRST_S = 3.0
LEAST_FRAMES = 2
LEVEL_SPREAD = 20.0
"""Strongest tone's power over the weakest one's: emphasis and filter edges tilt the band by up to 13 dB."""


def decode(
    spectrum: Spectrum, busy: Ints, standards: tuple[Standard, ...], digits: tuple[int, ...]
) -> list[Signalling]:
    """Read tone sequences of one of the lengths `digits`. Frames where `busy` is not −1 belong to DTMF."""
    hz, power = spectrum.peak(780.0, 2950.0)
    clear = (power >= PURITY * spectrum.band) & (spectrum.band >= QUIETEST) & (busy < 0)
    if np.count_nonzero(clear) < min(digits, default=1) * LEAST_FRAMES:
        return []
    found: list[Signalling] = []
    for name in dict.fromkeys(standards):
        table = TABLES[name]
        names = "".join(table.hz)
        symbols: Ints = np.where(clear, nearest(hz, np.array(list(table.hz.values())), TOLERANCE), -1)
        tones = [run for run in runs(symbols) if run.frames >= LEAST_FRAMES]
        for sequence in _sequences(tones, table.tone_s / HOP_S):
            levels = [float(power[tone.start : tone.end].max()) for tone in sequence]
            if len(sequence) in digits and max(levels) <= LEVEL_SPREAD * min(levels):
                text = _spell("".join(names[tone.symbol] for tone in sequence))
                if text:
                    found.append(Signalling("fivetone", text, sequence[0].start * HOP_S))
    return found


def _sequences(tones: list[Run], pace: float) -> list[list[Run]]:
    """Cut the tones into sequences that keep the pace (in frames a tone)."""
    sequences: list[list[Run]] = []
    for tone in tones:
        if sequences and _follows(sequences[-1], tone, pace):
            sequences[-1].append(tone)
        else:
            sequences.append([tone])
    return [sequence for sequence in sequences if _keeps_pace(sequence, pace)]


def _follows(sequence: list[Run], tone: Run, pace: float) -> bool:
    """Tell whether `tone` is the next one: close behind another digit that was as long as a tone is."""
    before = sequence[-1]
    longest = LONGEST_FIRST_S / HOP_S if len(sequence) == 1 else 1.6 * pace
    return (
        tone.symbol != before.symbol
        and tone.start - before.end <= max(3.0, 0.3 * pace)
        and before.frames <= longest
    )


def _keeps_pace(sequence: list[Run], pace: float) -> bool:
    """Check the pace where it is surest: the ends of the first tones, then each tone's length."""
    if len(sequence) < 3:  # noqa: PLR2004 - a pace needs two steps
        return False
    steps = (sequence[-1].start - sequence[0].end) / (len(sequence) - 2)
    return (
        abs(steps / pace - 1.0) <= PACE_TOLERANCE + 0.5 / pace
        and sequence[0].frames >= 0.5 * pace
        and all(0.4 * pace <= tone.frames <= 1.7 * pace for tone in sequence[1:])
    )


def _spell(symbols: str) -> str:
    """Put the digits in place of the repeat tone; empty when it has nothing to repeat."""
    spelled = ""
    for symbol in symbols:
        if symbol != REPEAT:
            spelled += symbol
        elif spelled:
            spelled += spelled[-1]
        else:
            return ""
    return spelled
