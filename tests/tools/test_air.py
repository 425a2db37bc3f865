"""The rougher air of training speech: the same every time, never broken, and as noisy as asked."""

import numpy as np
import pytest

from tools.channel import RATE_HZ, Channel, active_power
from tools.phonehead.air import Samples, coded, received, rough_air


def babble(seed: int, seconds: float = 1.5) -> Samples:
    """A harmonic sound in syllables, as loud as speech."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    voice = sum(np.sin(2 * np.pi * k * rng.uniform(100, 220) * t) / k for k in range(1, 12))
    return (0.2 * voice * np.maximum(0, np.sin(2 * np.pi * 3 * t))).astype(np.float32)


@pytest.mark.parametrize("seed", range(12))
def test_every_air_is_sound_at_its_level_and_the_same_twice(seed: int) -> None:
    channel = Channel(snr_db=6.0, squelch_tail_s=0.1, level=0.4)
    voices = [babble(100 + k) for k in range(3)]
    first, again = (rough_air(babble(seed), channel, seed, voices) for _ in range(2))
    assert np.array_equal(first, again)
    assert np.isfinite(first).all()
    assert np.abs(first).max() == pytest.approx(0.4, abs=0.001)
    assert len(first) >= len(babble(seed))


def test_airs_differ() -> None:
    heard = [rough_air(babble(1), Channel(snr_db=6.0), seed, [babble(9)])[:20_000] for seed in range(8)]
    alike = np.corrcoef(np.stack(heard))
    assert (alike[np.triu_indices(8, 1)] < 0.999).all()


def test_steady_noise_has_the_power_asked_for() -> None:
    speech = babble(1).astype(np.float64)
    found = []
    for seed in range(30):
        noise = received(np.random.default_rng(seed), speech, 10.0, Channel()) - speech
        found.append(10 * np.log10(active_power(speech) / (noise**2).mean()))
    assert np.median(found) == pytest.approx(10.0, abs=2.0)


def test_a_codec_leaves_the_sound_where_it_was() -> None:
    speech = babble(2).astype(np.float64)
    for seed in range(6):
        heard = coded(np.random.default_rng(seed), speech)
        assert len(heard) == len(speech)
        assert np.corrcoef(heard, speech)[0, 1] > 0.5
