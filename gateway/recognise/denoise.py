"""The steady noise of a radio channel taken out of a call before Whisper's encoder hears it.

Short-time amplitude estimation by Ephraim and Malah (IEEE Trans. ASSP-33, 1985: least mean square error of
the log spectrum, decision-directed a priori SNR). What the noise is, is read off the call itself: in each
band the quiet eighth of a smoothed periodogram, times what that falls short of the mean: speech leaves every
band for an eighth of the time. Where squelch was shut there is nothing to learn; such frames are passed over.

The gain never falls under `_LEAST_GAIN`: what is left of the noise covers the tones that estimation leaves.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

_SIZE: Final = 400
_HOP: Final = 200
_WINDOW: Final = np.sqrt(np.hanning(_SIZE + 1)[:-1]).astype(np.float32)
"""25 ms, for analysis and synthesis: its square, shifted by half, adds up to one."""
_SMOOTHED_FRAMES: Final = 5
_QUIET_SHARE: Final = 0.12
_MEAN_OVER_QUIET: Final = 1.8
_SHUT: Final = 1e-3
"""Frames with less than this part of the median frame's power hold no channel's noise."""
_LEAST_GAIN: Final = 0.15
_FORMER_SHARE: Final = 0.9
"""How much of the a priori SNR is the frame before's."""
_LEAST_SNR: Final = 0.01
_MOST_SNR: Final = 1e3
_LEAST_POWER: Final = 1e-9


def denoised(samples: Samples) -> Samples:
    """A stretch of one call, mono 16 kHz, without its steady noise; as many samples as came. Any thread."""
    if len(samples) < _SIZE:
        return samples
    # a whole window of silence around it, so that every sample lies in two frames
    padded = np.pad(samples, (_SIZE, _SIZE + -len(samples) % _HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::_HOP]
    spectrum = np.fft.rfft(frames * _WINDOW, axis=1).astype(np.complex64)
    cleaned = np.fft.irfft(spectrum * _gains(np.abs(spectrum) ** 2), n=_SIZE, axis=1) * _WINDOW
    out = np.zeros(len(padded), np.float32)
    for first in (0, 1):
        every = cleaned[first::2].reshape(-1)
        out[first * _HOP : first * _HOP + len(every)] += every
    return out[_SIZE : _SIZE + len(samples)]


def _gains(power: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What each cell of a spectrogram [frame, band] is multiplied by, `_LEAST_GAIN` to 1."""
    posterior = np.minimum(power / _noise(power), _MOST_SNR)
    gains = np.empty_like(power)
    former = np.ones(power.shape[1], power.dtype)
    for row, (own, excess) in enumerate(zip(posterior, np.maximum(posterior - 1, 0), strict=True)):
        prior = np.maximum(_FORMER_SHARE * former + (1 - _FORMER_SHARE) * excess, _LEAST_SNR)
        wiener = prior / (1 + prior)
        gain = np.minimum(wiener * np.exp(0.5 * _exponential_integral(wiener * own)), 1)
        former = gain * gain * own
        gains[row] = gain
    return np.maximum(gains, np.float32(_LEAST_GAIN))


def _noise(power: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mean power of the noise in each band."""
    edge = _SMOOTHED_FRAMES // 2
    summed = np.cumsum(np.pad(power, ((edge + 1, edge), (0, 0)), mode="edge"), axis=0, dtype=np.float64)
    smoothed = (summed[_SMOOTHED_FRAMES:] - summed[:-_SMOOTHED_FRAMES]) / _SMOOTHED_FRAMES
    whole = smoothed.sum(axis=1)
    quiet = np.quantile(smoothed[whole >= _SHUT * np.median(whole)], _QUIET_SHARE, axis=0)
    noise: npt.NDArray[np.float32] = np.maximum(_MEAN_OVER_QUIET * quiet, _LEAST_POWER).astype(np.float32)
    return noise


def _exponential_integral(value: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """E1, by three pieces that are off by a few hundredths (Loizou, Speech Enhancement, 2007)."""
    least = np.maximum(value, 1e-6)
    logarithm = np.log10(least)
    small = np.where(value < 0.1, -2.31 * logarithm - 0.6, -1.544 * logarithm + 0.166)  # noqa: PLR2004
    found: npt.NDArray[np.float32] = np.where(value < 1, small, 10 ** (-0.52 * least - 0.26))
    return found
