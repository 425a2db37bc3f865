"""Sound on its way to a transmitter: trimmed, joined, at the level that the radio wants. Pure."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import soxr

from gateway.model import RATE_HZ, Pcm

FULL_SCALE = 32768.0
PEAK_DBFS = -1.0
"""Nothing is louder: a radio clips what is, and clipping splatters into the next channel."""
_BLOCK = RATE_HZ // 50
_ACTIVE_DB = 20.0
"""Blocks this far under the loudest are pauses and do not count for the level."""
_SILENT_DBFS = -60.0


def to_pcm(samples: npt.NDArray[np.floating], rate_hz: int) -> Pcm:
    """Return samples of any rate and number of channels (in columns), in -1..1, as the gateway's PCM."""
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    if rate_hz != RATE_HZ and mono.size:
        mono = soxr.resample(mono, rate_hz, RATE_HZ)
    pcm: Pcm = np.clip(np.rint(mono * FULL_SCALE), -32768, 32767).astype(np.int16)
    return pcm


def silence(seconds: float) -> Pcm:
    """Return silence."""
    return np.zeros(max(0, round(seconds * RATE_HZ)), np.int16)


def joined(pieces: Sequence[Pcm], pause_s: float) -> Pcm:
    """Put pieces one behind the other with a pause between them."""
    parts: list[Pcm] = []
    for piece in pieces:
        parts += [silence(pause_s), piece] if parts else [piece]
    return np.concatenate([np.empty(0, np.int16), *parts])


def trimmed(pcm: Pcm, keep_s: float = 0.05) -> Pcm:
    """Cut silence off both ends but for `keep_s`."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > FULL_SCALE * 10 ** (_SILENT_DBFS / 20))
    if not loud.size:
        return pcm[:0]
    keep = round(keep_s * RATE_HZ)
    return pcm[max(0, int(loud[0]) - keep) : int(loud[-1]) + 1 + keep]


def level_dbfs(pcm: Pcm) -> float | None:
    """Return the mean level of what is not a pause, in dBFS; None for silence."""
    blocks = pcm[: len(pcm) // _BLOCK * _BLOCK].reshape(-1, _BLOCK).astype(np.float64) / FULL_SCALE
    powers = (blocks**2).mean(axis=1) if blocks.size else np.zeros(1)
    loudest = float(powers.max())
    if loudest < 10 ** (_SILENT_DBFS / 10):
        return None
    active = powers[powers > loudest * 10 ** (-_ACTIVE_DB / 10)]
    return float(10 * np.log10(active.mean()))


def at_level(pcm: Pcm, dbfs: float) -> Pcm:
    """Return it at a mean level of `dbfs`, or as near as its peaks allow without clipping."""
    level = level_dbfs(pcm)
    if level is None:
        return pcm
    gain = 10 ** ((dbfs - level) / 20)
    peak = float(np.abs(pcm.astype(np.int32)).max()) / FULL_SCALE
    gain = min(gain, 10 ** (PEAK_DBFS / 20) / peak)
    scaled: Pcm = np.rint(pcm * gain).astype(np.int16)
    return scaled
