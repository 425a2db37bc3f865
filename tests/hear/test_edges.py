"""The edges of a signal are found to a few milliseconds, wherever the squelch believes them."""

import numpy as np
import pytest

from gateway.hear.edges import fall, rise
from gateway.model import RATE_HZ, Pcm

ROSE, FELL = round(0.4137 * RATE_HZ), round(1.2341 * RATE_HZ)


def air(floor: float, signal: float, seed: int = 0) -> Pcm:
    random = np.random.default_rng(seed)
    sound = floor * random.standard_normal(round(1.6 * RATE_HZ))
    sound[ROSE:FELL] += signal * random.standard_normal(FELL - ROSE)
    return np.clip(sound, -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("believed_s", [-0.1, -0.04, 0.0, 0.02, 0.06, 0.1])
@pytest.mark.parametrize(("floor", "signal"), [(0.0, 300.0), (3.0, 12.0), (30.0, 300.0), (200.0, 600.0)])
def test_both_edges(floor: float, signal: float, believed_s: float) -> None:
    for seed in range(8):
        pcm = air(floor, signal, seed)
        shift = round(believed_s * RATE_HZ)

        assert abs(rise(pcm, ROSE + shift) - ROSE) <= 0.008 * RATE_HZ
        assert abs(fall(pcm, FELL + shift) - FELL) <= 0.008 * RATE_HZ


def test_what_cannot_be_told_stays_as_the_squelch_believes() -> None:
    noise = air(100.0, 0.0)
    assert rise(noise, 5000) == 5000
    assert fall(noise, 20_000) == 20_000
    assert rise(noise[:10], 3) == 3
    assert rise(noise[:0], 0) == 0


@pytest.mark.parametrize("kept_s", [0.0, 0.03, 0.06])
def test_little_was_kept_of_what_came_before(kept_s: float) -> None:
    """After a key-up of our own the squelch is deaf, and a carrier's flag comes with a whole chunk."""
    for seed in range(8):
        start = ROSE - round(kept_s * RATE_HZ)
        found = rise(air(10.0, 300.0, seed)[start:], 0)

        assert abs(found - (ROSE - start)) <= 0.008 * RATE_HZ


def test_a_click_before_the_signal_is_not_its_edge() -> None:
    pcm = air(10.0, 300.0)
    pcm[ROSE - 1200 : ROSE - 1120] = 8000

    assert abs(rise(pcm, ROSE) - ROSE) <= 0.008 * RATE_HZ
