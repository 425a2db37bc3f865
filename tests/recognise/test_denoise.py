"""The channel's steady noise is taken out, what was said stays."""

import numpy as np
import numpy.typing as npt
import pytest

from gateway.model import RATE_HZ
from gateway.recognise.denoise import denoised

Samples = npt.NDArray[np.float32]


def spoken(seconds: float = 4.0) -> Samples:
    """Harmonics of a gliding voice, four syllables a second with pauses between them."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.7 * t)) / RATE_HZ
    voice = sum(np.sin(k * phase) / k for k in range(3, 20))
    syllable = np.clip(np.sin(2 * np.pi * 4 * t), 0, 1)
    said: Samples = (0.2 * voice * syllable).astype(np.float32)
    return said


def noise(samples: int, level: float, seed: int = 1) -> Samples:
    made: Samples = (level * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)
    return made


def snr_db(heard: Samples, said: Samples) -> float:
    """Of `heard` against `said` at the level that fits best."""
    fitted = said * float(heard @ said / (said @ said))
    return float(10 * np.log10((fitted @ fitted) / ((heard - fitted) @ (heard - fitted))))


@pytest.mark.parametrize("level", [0.02, 0.06, 0.12])
def test_steady_noise_falls_well_below_what_was_said(level: float) -> None:
    said = spoken()
    heard = said + noise(len(said), level)
    assert snr_db(denoised(heard), said) > snr_db(heard, said) + 3


def test_a_clean_call_stays_as_it_is() -> None:
    said = spoken() + noise(round(4.0 * RATE_HZ), 1e-5)
    assert snr_db(denoised(said), said) > 20


def test_noise_alone_is_lowered_and_not_made_into_something() -> None:
    only = noise(3 * RATE_HZ, 0.1)
    left = denoised(only)
    loudness = np.sqrt(np.mean(left.reshape(-1, 400) ** 2, axis=1))
    assert np.sqrt(np.mean(left**2)) < 0.03
    assert loudness.max() < 3 * np.median(loudness)


def test_the_silence_of_a_shut_squelch_teaches_nothing_about_the_noise() -> None:
    said = spoken()
    shut = np.zeros(2 * RATE_HZ, np.float32)
    heard = np.concatenate([shut, said + noise(len(said), 0.06), shut])
    found = denoised(heard)[len(shut) : -len(shut)]
    assert snr_db(found, said) > snr_db(said + noise(len(said), 0.06), said) + 3


@pytest.mark.parametrize("samples", [0, 1, 399, 400, 401, 599, 600, 16_001])
def test_as_many_samples_come_back_as_were_given(samples: int) -> None:
    found = denoised(noise(samples, 0.1))
    assert len(found) == samples
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


@pytest.mark.parametrize("constant", [0.0, 0.5, -1.0])
def test_a_dead_line_does_no_harm(constant: float) -> None:
    found = denoised(np.full(8_000, constant, np.float32))
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 1.01
