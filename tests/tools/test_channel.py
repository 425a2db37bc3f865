"""The radio channel does to speech what its docstring says, and the same every time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.channel import CLEAN, RATE_HZ, Channel, active_power, band, conversation, transmit


def tone(hz: float, seconds: float = 1.0, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt((samples.astype(np.float64) ** 2).mean()))


@pytest.mark.parametrize(("hz", "passes"), [(100, False), (1_000, True), (2_800, True), (4_000, False)])
def test_only_the_audio_band_passes(hz: float, passes: bool) -> None:
    left = rms(band(tone(hz), 300, 3_000)) / rms(tone(hz))
    assert left > 0.9 if passes else left < 0.05


@given(snr_db=st.floats(0, 40), seed=st.integers(0, 1_000))
@settings(max_examples=25, deadline=None)
def test_noise_has_the_power_that_the_snr_says(snr_db: float, seed: int) -> None:
    speech = np.concatenate([np.zeros(8_000), tone(800), np.zeros(8_000)])
    plain = Channel(snr_db=None, drive=0, squelch_tail_s=0, level=1.0)
    quiet = transmit(speech, plain, seed).astype(np.float64)
    noisy = transmit(speech, replace(plain, snr_db=snr_db), seed).astype(np.float64)
    # both are scaled to the same peak, so compare the noise alone before and after the tone with the tone
    scale = (noisy @ quiet) / (quiet @ quiet)
    noise = noisy - scale * quiet
    measured = 10 * np.log10(active_power(scale * quiet) / (noise**2).mean())
    assert measured == pytest.approx(snr_db, abs=0.7)


def test_the_same_seed_gives_the_same_samples() -> None:
    speech = tone(500)
    channel = Channel(snr_db=12, key_up="click")
    assert np.array_equal(transmit(speech, channel, 3), transmit(speech, channel, 3))
    assert not np.array_equal(transmit(speech, channel, 3), transmit(speech, channel, 4))


def test_key_up_cut_loses_the_first_sound_only() -> None:
    speech = np.concatenate([np.zeros(4_000), tone(500)])
    whole = transmit(speech, CLEAN, 1)
    cut = transmit(speech, replace(CLEAN, key_up="cut"), 1)
    lost_s = (len(whole) - len(cut)) / RATE_HZ - 0.25
    assert 0.05 < lost_s < 0.17


def test_squelch_tail_adds_its_length_of_noise() -> None:
    tail = replace(CLEAN, squelch_tail_s=0.2)
    with_tail, without = transmit(tone(500), tail, 1), transmit(tone(500), CLEAN, 1)
    assert len(with_tail) - len(without) == int(0.2 * RATE_HZ)
    assert rms(with_tail[len(without) :]) > 0.05


@pytest.mark.parametrize("speech", [np.zeros(0), np.zeros(16_000)])
def test_nothing_said_is_no_error(speech: np.ndarray) -> None:
    heard = transmit(speech, Channel(), 1)
    assert np.isfinite(heard).all()
    assert np.abs(heard).max(initial=0) <= 0.5 + 1e-6


def test_conversation_places_every_transmission_where_it_says() -> None:
    parts = [transmit(tone(500), CLEAN, 1), transmit(tone(900, 0.5), CLEAN, 2)]
    joined, placed = conversation(parts, seed=5, gap_s=(1.0, 2.0))
    assert placed[1].start_s - placed[0].end_s >= 1.0 - 1e-6
    for part, at in zip(parts, placed, strict=True):
        start = round(at.start_s * RATE_HZ)
        assert np.abs(joined[start : start + len(part)] - part).max() < 0.01
    assert rms(joined[: round(placed[0].start_s * RATE_HZ)]) < 0.001
