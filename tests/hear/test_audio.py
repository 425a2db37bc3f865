import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import AudioFormat
from gateway.hear.audio import QUIETEST_DBFS, Converter, level_dbfs
from gateway.model import RATE_HZ, Pcm

Floats = npt.NDArray[np.float64]


def encode(samples: Floats, width: int) -> bytes:
    """Turn floats, a row a frame, into little-endian integers of this width."""
    integers = np.clip(
        np.rint(samples * (1 << (8 * width - 1))), -(1 << (8 * width - 1)), (1 << (8 * width - 1)) - 1
    )
    wide = integers.astype("<i8").reshape(-1, 1).view(np.uint8).reshape(-1, 8)
    return wide[:, :width].tobytes()


def convert(content: bytes, fmt: AudioFormat, cuts: Sequence[int] = ()) -> Pcm:
    converter = Converter(fmt)
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    pieces = [converter.feed(content[first:last]) for first, last in itertools.pairwise(edges)]
    return np.concatenate([*pieces, converter.flush()])


def sine(seconds: float, rate_hz: int, hz: float = 600.0, level: float = 0.5) -> Floats:
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)


def test_what_is_already_right_passes_unchanged() -> None:
    samples = np.arange(-32768, 32768, 7, dtype="<i2")
    assert (convert(samples.tobytes(), AudioFormat(RATE_HZ)) == samples).all()


@given(
    width=st.sampled_from([1, 2, 3, 4]),
    channels=st.integers(1, 3),
    rate_hz=st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000]),
    frames=st.integers(0, 4_000),
    cuts=st.lists(st.integers(0, 40_000), max_size=12),
)
@settings(max_examples=60, deadline=None)
def test_chunks_change_nothing_and_no_sample_is_lost(
    width: int, channels: int, rate_hz: int, frames: int, cuts: list[int]
) -> None:
    rng = np.random.default_rng(frames)
    content = encode(rng.uniform(-0.9, 0.9, (frames, channels)), width)
    fmt = AudioFormat(rate_hz, channels, width)
    whole = convert(content, fmt)
    assert (convert(content, fmt, cuts) == whole).all()
    assert abs(len(whole) - frames * RATE_HZ / rate_hz) <= 1


@pytest.mark.parametrize("rate_hz", [4_000, 8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_a_tone_stays_that_tone_at_any_rate_and_width(rate_hz: int, width: int) -> None:
    heard = convert(encode(sine(0.5, rate_hz), width), AudioFormat(rate_hz, 1, width)) / 32768.0
    expected = sine(0.5, RATE_HZ)
    assert len(heard) == pytest.approx(len(expected), abs=1)
    middle = slice(1000, 7000)
    assert np.abs(heard[middle] - expected[middle]).max() < (0.01 if width == 1 else 0.002)


def test_what_lies_above_half_the_rate_does_not_fold_back() -> None:
    heard = convert(encode(sine(0.5, 48_000, hz=11_000), 2), AudioFormat(48_000))
    assert level_dbfs(heard[1000:7000]) < -80


class TestMixing:
    """One of several channels must never make a report inaudible."""

    fmt = AudioFormat(RATE_HZ, 2)
    report = sine(1.0, RATE_HZ)
    nothing = np.zeros_like(report)

    def level(self, *channels: Floats) -> float:
        fmt = AudioFormat(RATE_HZ, len(channels))
        mixed = convert(encode(np.stack(channels, axis=1), 2), fmt)
        return level_dbfs(mixed[800:]) - level_dbfs((self.report * 32768).astype(np.int16))

    def test_the_same_on_both_is_as_loud_as_one(self) -> None:
        assert self.level(self.report, self.report) == pytest.approx(0, abs=0.05)

    def test_opposite_phase_does_not_cancel(self) -> None:
        assert self.level(self.report, -self.report) == pytest.approx(0, abs=0.05)
        assert self.level(self.report, -0.8 * self.report) == pytest.approx(-0.8, abs=0.5)
        assert self.level(self.report, self.report, -self.report) == pytest.approx(0, abs=0.05)

    def test_a_dead_channel_costs_nothing(self) -> None:
        assert self.level(self.report, self.nothing) == pytest.approx(0, abs=0.05)
        assert self.level(self.nothing, self.nothing, self.report, self.nothing) == pytest.approx(0, abs=0.05)

    def test_noise_on_a_dead_channel_is_left_out(self) -> None:
        rng = np.random.default_rng(1)
        hiss = 0.05 * rng.standard_normal(len(self.report))
        mixed = convert(encode(np.stack([self.report, hiss], axis=1), 2), self.fmt) / 32768.0
        rest = mixed[800:] - self.report[800:]
        assert np.sqrt(np.mean(rest**2)) < 0.05 / 5

    def test_two_radios_left_and_right_are_both_heard(self) -> None:
        left = np.concatenate([self.report, self.nothing, self.nothing])
        right = np.concatenate([self.nothing, self.nothing, 0.1 * self.report])
        mixed = convert(encode(np.stack([left, right], axis=1), 2), self.fmt)
        assert level_dbfs(mixed[1000:15_000]) == pytest.approx(-9.03, abs=0.1)
        assert not mixed[17_000:31_000].any()
        assert level_dbfs(mixed[33_000:47_000]) == pytest.approx(-29.03, abs=1)

    def test_two_at_once_are_both_in_the_mix(self) -> None:
        other = sine(1.0, RATE_HZ, hz=1_700.0)
        mixed = convert(encode(np.stack([self.report, other], axis=1), 2), self.fmt)
        spectrum = np.abs(np.fft.rfft(mixed[: RATE_HZ // 2])) / 32768.0
        for hz in (600, 1_700):
            assert spectrum[hz // 2] > 0.2 * spectrum.max()

    def test_silence_stays_silence(self) -> None:
        mixed = convert(bytes(4 * 3_333), self.fmt)
        assert len(mixed) == 3_333
        assert not mixed.any()


@pytest.mark.parametrize("fmt", [AudioFormat(0), AudioFormat(8_000, 0), AudioFormat(8_000, 1, 5)])
def test_a_format_that_cannot_be_is_refused(fmt: AudioFormat) -> None:
    with pytest.raises(ValueError, match="no audio has this format"):
        Converter(fmt)


def test_levels() -> None:
    assert level_dbfs((32767 * sine(1, RATE_HZ, level=1.0)).astype(np.int16)) == pytest.approx(
        -3.01, abs=0.01
    )
    assert level_dbfs(np.full(100, 328, dtype=np.int16)) == pytest.approx(-40, abs=0.01)
    assert level_dbfs(np.zeros(10, dtype=np.int16)) == QUIETEST_DBFS
    assert level_dbfs(np.zeros(0, dtype=np.int16)) == QUIETEST_DBFS
