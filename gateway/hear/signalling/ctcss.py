"""CTCSS: a steady tone below the voice that opens a group's squelch (EIA/TIA-603, and common extras).

It says which group calls, not which radio. It only arrives where the receiver hands over audio from below
300 Hz. A tone must stand within 0.4 Hz through half of the transmission, which no voice does; mains hum is
told apart by its other harmonics.
"""

import numpy as np

from gateway.hear.audio import mean_square, middle
from gateway.hear.signalling.spectrum import Bools, Float32
from gateway.model import RATE_HZ, Pcm, Signalling

# fmt: off
TONES_HZ = (
    67.0, 69.3, 71.9, 74.4, 77.0, 79.7, 82.5, 85.4, 88.5, 91.5, 94.8, 97.4, 100.0, 103.5, 107.2, 110.9, 114.8,
    118.8, 123.0, 127.3, 131.8, 136.5, 141.3, 146.2, 151.4, 156.7, 159.8, 162.2, 165.5, 167.9, 171.3, 173.8,
    177.3, 179.9, 183.5, 186.2, 189.9, 192.8, 196.6, 199.5, 203.5, 206.5, 210.7, 218.1, 225.7, 229.1, 233.6,
    241.8, 250.3, 254.1,
)
# fmt: on
TOLERANCE = 0.006
"""Neighbours are 1.5 % apart at the closest, and a set's tone is within 0.5 %."""

DECIMATION = 16
SLOW_HZ = RATE_HZ / DECIMATION
CUT_HZ = 420.0
WINDOW = 512
HOP = 128
LINES = 2048
LINE_HZ = SLOW_HZ / LINES
LOBE = 8
SEARCH_HZ = (64.0, 262.0)
BELOW_VOICE_HZ = (45.0, 265.0)
_SPAN = slice(round(BELOW_VOICE_HZ[0] / LINE_HZ), round(BELOW_VOICE_HZ[1] / LINE_HZ))
PURITY = 0.5
QUIETEST = 10.0 ** (-62.0 / 10.0)
LEAST_SHARE = 10.0 ** (-32.0 / 10.0)
"""Of the whole audio's power: senders put the tone 10 to 20 dB below the voice; less is distortion."""
STEADY_HZ = 0.4
LEAST_FRAMES = 4
MAINS_HZ = (50.0, 60.0)
HUM_SHARE = 0.03
NARROW = 10.0
"""A line's power over that 8 Hz beside it; a voice's lowest harmonics are broader."""


def decode(audio: Pcm) -> list[Signalling]:
    """Return the tone, if there is one, with an id such as "88.5". Needs 0.9 s of it."""
    slow = _decimate(audio)
    if len(slow) < WINDOW + (LEAST_FRAMES - 1) * HOP:
        return []
    frames = np.lib.stride_tricks.sliding_window_view(slow, WINDOW)[::HOP]
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    lines = np.fft.rfft(frames * window, LINES, axis=1)[:, : round(310.0 / LINE_HZ)]
    power: Float32 = (lines.real**2 + lines.imag**2).astype(np.float32) * np.float32(
        2.0 / (LINES * float((window**2).sum()))
    )
    hz, pure = _strongest(power)
    if np.count_nonzero(pure) < LEAST_FRAMES:
        return []
    tone = middle(hz[pure])
    steady = pure & (np.abs(hz - tone) <= STEADY_HZ)
    named = min(TONES_HZ, key=lambda known: abs(known / tone - 1.0))
    if (
        np.count_nonzero(steady) < max(LEAST_FRAMES, len(frames) / 2)
        or abs(named / tone - 1.0) > TOLERANCE
        or float(power[steady, _SPAN].sum(axis=1).mean()) < LEAST_SHARE * mean_square(audio)
        or _is_hum(power[steady].mean(axis=0), tone)
    ):
        return []
    return [Signalling("ctcss", f"{named:.1f}", int(np.argmax(steady)) * HOP / SLOW_HZ)]


def _decimate(audio: Pcm) -> Float32:
    """Keep what is below 300 Hz, at SLOW_HZ."""
    half = 4 * DECIMATION
    taps = np.sinc(np.arange(-half, half) * 2.0 * CUT_HZ / RATE_HZ) * np.hanning(2 * half + 1)[:-1]
    columns = (taps / taps.sum() / 32768.0).astype(np.float32).reshape(-1, DECIMATION)
    short = -len(audio) % DECIMATION
    blocks = np.pad(audio.astype(np.float32), (half, half + short)).reshape(-1, DECIMATION)
    slow = np.zeros(len(blocks) - len(columns) + 1, np.float32)
    for shift, column in enumerate(columns):
        slow += blocks[shift : shift + len(slow)] @ column
    return slow


def _strongest(power: Float32) -> tuple[Float32, Bools]:
    """Return each frame's strongest line (Hz) and whether it outweighs all else below the voice."""
    low, high = (round(edge / LINE_HZ) for edge in SEARCH_HZ)
    top = power[:, low:high].argmax(axis=1) + low
    rows = np.arange(len(top))[:, np.newaxis]
    lobe = power[rows, top[:, np.newaxis] + np.arange(-LOBE, LOBE + 1)]
    left, centre, right = np.log(lobe[:, LOBE - 1 : LOBE + 2] + np.float32(1e-20)).T
    bend = 2.0 * centre - left - right
    shift = np.divide(right - left, 2.0 * bend, out=np.zeros_like(bend), where=bend > 0.0)
    own = lobe.sum(axis=1)
    pure = (own >= PURITY * power[:, _SPAN].sum(axis=1)) & (own >= QUIETEST)
    return ((top + shift) * LINE_HZ).astype(np.float32), pure


def _is_hum(power: Float32, tone: float) -> bool:
    """Tell whether the tone is a mains harmonic that did not come alone."""
    own = power[round(tone / LINE_HZ)]
    for mains in MAINS_HZ:
        order = round(tone / mains)
        if abs(tone - order * mains) > STEADY_HZ:
            continue
        for other in range(1, int(BELOW_VOICE_HZ[1] / mains) + 1):
            line = round(mains * other / LINE_HZ)
            around = (power[line - 2 * LOBE] + power[line + 2 * LOBE]) / 2.0
            if other % order and power[line] >= max(HUM_SHARE * own, NARROW * around):
                return True
    return False
