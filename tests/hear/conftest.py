"""Signals for the squelch: noise of a known level, and something that swells and pauses as speech does."""

import numpy as np
import numpy.typing as npt
import pytest

from gateway.model import RATE_HZ, Pcm

Floats = npt.NDArray[np.float64]


def amplitude(dbfs: float) -> float:
    return float(10.0 ** (dbfs / 20.0))


class Signals:
    """Makes sounds on a scale of -1..1, always the same ones."""

    def silence(self, seconds: float) -> Floats:
        return np.zeros(round(seconds * RATE_HZ))

    def noise(self, seconds: float, dbfs: float, seed: int = 1) -> Floats:
        """Noise of 300 to 3,000 Hz with this RMS level."""
        length = round(seconds * RATE_HZ)
        spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
        hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
        spectrum[(hz < 300) | (hz > 3000)] = 0
        sound = np.fft.irfft(spectrum, length)
        return sound / np.sqrt(np.mean(sound**2)) * amplitude(dbfs)

    def tone(self, seconds: float, dbfs: float, hz: float = 1000.0) -> Floats:
        times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        return np.sqrt(2) * amplitude(dbfs) * np.sin(2 * np.pi * hz * times)

    def speech(self, seconds: float, dbfs: float) -> Floats:
        """Syllables of 0.2 s: harmonics of a moving voice that swell and fade, with 40 ms between them."""
        length = round(seconds * RATE_HZ)
        times = np.arange(length) / RATE_HZ
        pitch_hz = 180 + 40 * np.sin(2 * np.pi * 1.3 * times)
        phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
        formant_hz = 700 + 400 * np.sin(2 * np.pi * 2.1 * times)
        voice = np.zeros(length)
        for harmonic in range(2, 16):
            weight = np.exp(-(((harmonic * pitch_hz - formant_hz) / 500) ** 2)) + 0.05
            voice += weight * np.sin(harmonic * phase)
        within = (times % 0.24) / 0.2
        voice *= np.where(within < 1, np.sin(np.pi * np.minimum(within, 1)) ** 0.7, 0.0)
        voice *= 1 + 0.4 * np.sin(2 * np.pi * 0.9 * times)
        return voice / np.sqrt(np.mean(voice**2)) * amplitude(dbfs)

    def pcm(self, *sounds: Floats) -> Pcm:
        """Join sounds into 16-bit samples."""
        return np.clip(np.rint(np.concatenate(sounds) * 32768), -32768, 32767).astype(np.int16)


@pytest.fixture(scope="session")
def signals() -> Signals:
    return Signals()
