"""From whatever a device captures to mono 16-bit samples at RATE_HZ, as a stream.

Nothing here knows where chunks begin or end: the samples that come out are the same however the bytes that
went in were cut, and what a filter still holds back comes out of `flush`.

Channels are mixed by their share of the energy, 20 ms at a time, and with the polarity that adds up. A dead
channel so costs neither level nor noise, two channels in opposite phase do not cancel, and two radios
recorded left and right are both heard, which neither averaging nor picking one channel would give.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import soxr

from drivers.base import AudioFormat
from gateway.model import RATE_HZ, Pcm

FULL_SCALE = 32768.0
QUIETEST_DBFS = -120.0
"""What digital silence is said to measure; a logarithm needs an end."""

_MIX_BLOCK_S = 0.02
_MIX_DECAY = 0.9
"""Per mix block: a word's energy is remembered for about 0.2 s, so weights do not flutter inside it."""
_MIX_SURE = 0.3
"""Channels correlated less than this say nothing about each other's polarity."""

Float32 = npt.NDArray[np.float32]


def dbfs(mean_square: float) -> float:
    """Turn a mean square of samples in -1..1 into dBFS; a full-scale sine is -3.0, silence QUIETEST_DBFS."""
    if mean_square <= 0.0:
        return QUIETEST_DBFS
    return max(QUIETEST_DBFS, float(10.0 * np.log10(mean_square)))


def mean_square(audio: Pcm) -> float:
    """Return the mean square of the samples on a scale of -1..1, 0.0 for no samples."""
    if not audio.size:
        return 0.0
    scaled = audio.astype(np.float64) / FULL_SCALE
    return float(np.mean(scaled * scaled))


def middle(values: Iterable[float]) -> float:
    """Return the median of at least one value. numpy's own loads masked arrays for it: 4 MB of memory."""
    ordered = sorted(map(float, values))
    last = len(ordered) - 1
    return (ordered[last // 2] + ordered[(last + 1) // 2]) / 2


def level_dbfs(audio: Pcm) -> float:
    """Return the RMS level of mono samples in dBFS."""
    return dbfs(mean_square(audio))


def amplitude(level: float) -> float:
    """Return the RMS amplitude on a scale of 0..1 that measures `level` dBFS."""
    return float(10.0 ** (level / 20.0))


class Converter:
    """Turns one open device's bytes into mono samples at RATE_HZ. One thread only.

    Raises ValueError for a format that no device has (no rate, no channel, a width other than 1 to 4 bytes).
    """

    def __init__(self, fmt: AudioFormat) -> None:
        if fmt.rate_hz <= 0 or fmt.channels <= 0 or fmt.sample_width_bytes not in {1, 2, 3, 4}:
            raise ValueError(f"no audio has this format: {fmt}")
        self._format = fmt
        self._remainder = b""
        self._mixer = _Mixer(fmt.channels, max(1, round(fmt.rate_hz * _MIX_BLOCK_S)))
        self._resampler = (
            None
            if fmt.rate_hz == RATE_HZ
            else soxr.ResampleStream(fmt.rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")
        )

    def feed(self, pcm: bytes) -> Pcm:
        """Take more bytes (any number) and return the samples that are ready, possibly none."""
        pcm = self._remainder + pcm
        whole_bytes = len(pcm) - len(pcm) % self._format.frame_bytes
        self._remainder = pcm[whole_bytes:]
        samples = decode(pcm[:whole_bytes], self._format)
        return self._resample(self._mixer.feed(samples), last=False)

    def flush(self) -> Pcm:
        """Return what is still held back. The converter cannot be fed afterwards."""
        return self._resample(self._mixer.flush(), last=True)

    def _resample(self, mono: Float32, *, last: bool) -> Pcm:
        if self._resampler is not None:
            mono = self._resampler.resample_chunk(mono, last=last)
        return to_pcm(mono)


def decode(pcm: bytes, fmt: AudioFormat) -> Float32:
    """Return whole sample frames of signed little-endian integers as floats in -1..1, one row a frame."""
    width = fmt.sample_width_bytes
    if width == 3:  # noqa: PLR2004 - numpy has no 24-bit integer: put each into the high bytes of 32
        wide = np.zeros((len(pcm) // 3, 4), dtype=np.uint8)
        wide[:, 1:] = np.frombuffer(pcm, dtype=np.uint8).reshape(-1, 3)
        integers = wide.reshape(-1).view("<i4")
        width = 4
    else:
        integers = np.frombuffer(pcm, dtype=f"<i{width}")
    scale = np.float32(1.0 / (1 << (8 * width - 1)))
    return (integers.astype(np.float32) * scale).reshape(-1, fmt.channels)


def to_pcm(mono: Float32) -> Pcm:
    """Round floats in -1..1 to 16-bit samples, limiting what is louder."""
    limited: Pcm = np.clip(np.rint(mono * np.float32(FULL_SCALE)), -32768, 32767).astype(np.int16)
    return limited


class _Mixer:
    """Mixes channels in blocks at fixed positions, so that the result does not depend on chunks."""

    def __init__(self, channels: int, block: int) -> None:
        self._channels = channels
        self._block = block
        self._held: Float32 = np.empty((0, channels), dtype=np.float32)
        self._energy = np.zeros(channels)
        self._products = np.zeros((channels, channels))
        self._signs = np.ones(channels)
        self._weights = np.full(channels, 1.0 / channels)

    def feed(self, frames: Float32) -> Float32:
        if self._channels == 1:
            return frames[:, 0]
        held = np.concatenate([self._held, frames])
        whole = len(held) - len(held) % self._block
        self._held = held[whole:]
        return self._mix(held[:whole].reshape(-1, self._block, self._channels))

    def flush(self) -> Float32:
        if not len(self._held):
            return np.empty(0, dtype=np.float32)
        last, self._held = self._held, self._held[:0]
        return self._mix(last[np.newaxis])

    def _mix(self, blocks: Float32) -> Float32:
        if not len(blocks):
            return np.empty(0, dtype=np.float32)
        products = np.stack([block.T.astype(np.float64) @ block for block in blocks])
        before = np.empty((len(blocks), self._channels))
        after = np.empty_like(before)
        for index, product in enumerate(products):
            before[index] = self._weights
            self._weigh(product)
            after[index] = self._weights
        ramp = ((np.arange(blocks.shape[1]) + 1.0) / blocks.shape[1])[np.newaxis, :, np.newaxis]
        weights = before[:, np.newaxis] * (1.0 - ramp) + after[:, np.newaxis] * ramp
        mixed: Float32 = (blocks * weights).sum(axis=2).astype(np.float32).reshape(-1)
        return mixed

    def _weigh(self, product: npt.NDArray[np.float64]) -> None:
        """Take one block's channel products (their diagonal is energy) into the weights."""
        self._energy = np.maximum(np.diag(product), self._energy * _MIX_DECAY)
        self._products = self._products * _MIX_DECAY + product
        total = float(self._energy.sum())
        if total <= 0.0:
            return
        strongest = int(np.argmax(self._energy))
        spread = np.sqrt(np.diag(self._products) * self._products[strongest, strongest])
        alike = np.divide(self._products[strongest], spread, out=np.zeros(self._channels), where=spread > 0.0)
        sure = np.abs(alike) > _MIX_SURE
        self._signs = np.where(sure, np.sign(alike) * self._signs[strongest], self._signs)
        self._weights = self._signs * self._energy / total
