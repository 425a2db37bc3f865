from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from gateway.hear.classify import VAD_HOP, classify, clipped_share, is_steady, tone_share
from gateway.model import Pcm, SoundClass

CALLS = sorted((Path(__file__).parents[1] / "data" / "calls").glob("*.flac"))


def voice(audio: Pcm, voiced_s: float) -> npt.NDArray[np.float32]:
    """Return what a detector says that hears a voice for the first seconds."""
    probabilities = np.full(-(-len(audio) // VAD_HOP), 0.02, dtype=np.float32)
    probabilities[: round(voiced_s * 16_000 / VAD_HOP)] = 0.9
    return probabilities


def sound_class(audio: Pcm, voiced_s: float | None = 0.0) -> SoundClass:
    return classify(audio, None if voiced_s is None else voice(audio, voiced_s)).sound_class


@pytest.mark.parametrize("snr_db", [30, 8])
def test_a_voice_is_speech(signals: Any, snr_db: float) -> None:
    audio = signals.pcm(signals.speech(2.0, -26) + signals.noise(2.0, -26 - snr_db))
    result = classify(audio, voice(audio, 1.5))
    assert result.sound_class is SoundClass.SPEECH
    assert result.speech_s == pytest.approx(1.5, abs=0.02)
    assert result.level_dbfs == pytest.approx(-25, abs=2)


def test_too_little_voice_is_none(signals: Any) -> None:
    audio = signals.pcm(signals.speech(2.0, -26) + signals.noise(2.0, -40))
    assert sound_class(audio, 0.19) is not SoundClass.SPEECH
    assert sound_class(audio, 0.30) is SoundClass.SPEECH


@pytest.mark.parametrize("voiced_s", [0.0, None])
def test_a_short_key_up_is_a_kerchunk_and_a_long_one_noise(signals: Any, voiced_s: float | None) -> None:
    lead = signals.silence(0.3)
    short = signals.pcm(lead, signals.noise(0.4, -30), lead)
    long = signals.pcm(lead, signals.noise(2.0, -30), lead)
    assert sound_class(short, voiced_s) is SoundClass.KERCHUNK
    assert sound_class(long, voiced_s) is SoundClass.NOISE


@pytest.mark.parametrize("voiced_s", [0.0, None])
@pytest.mark.parametrize("hz", [(1000,), (697, 1209), (440,)])
def test_one_or_two_lines_are_a_tone(signals: Any, hz: tuple[int, ...], voiced_s: float | None) -> None:
    tones = sum(signals.tone(2.0, -20, hz=line) for line in hz)
    audio = signals.pcm(signals.silence(0.3), tones + signals.noise(2.0, -35), signals.silence(0.3))
    assert sound_class(audio, voiced_s) is SoundClass.TONE
    assert tone_share(audio) > 0.9


def test_a_row_of_tones_is_a_tone(signals: Any) -> None:
    audio = signals.pcm(*(signals.tone(0.3, -20, hz=hz) for hz in (1060, 1160, 1270, 1400, 1530)))
    assert sound_class(audio) is SoundClass.TONE


def test_a_buzz_that_fools_the_detector_is_no_speech(signals: Any) -> None:
    buzz = 0.1 * ((np.arange(48_000) * 150 / 16_000) % 1 - 0.5)
    audio = signals.pcm(signals.silence(0.3), buzz, signals.silence(0.3))
    assert is_steady(audio)
    assert sound_class(audio, 3.0) is SoundClass.NOISE


def test_silence_and_nothing_have_a_class(signals: Any) -> None:
    for audio in (signals.pcm(signals.silence(1.0)), np.zeros(0, dtype=np.int16), np.ones(5, dtype=np.int16)):
        for probabilities in (None, voice(audio, 0.0)):
            result = classify(audio, probabilities)
            assert result.sound_class is SoundClass.KERCHUNK
            assert np.isfinite([result.level_dbfs, result.snr_db, result.clipped_share]).all()


def test_level_and_snr(signals: Any) -> None:
    keyed = np.concatenate([signals.silence(1.0), signals.tone(3.0, -20), signals.silence(1.0)])
    result = classify(signals.pcm(keyed + signals.noise(5.0, -40)), None)
    assert result.level_dbfs == pytest.approx(-20, abs=0.3)
    assert result.snr_db == pytest.approx(20, abs=2)


def test_clipping_is_counted_at_full_scale_and_below(signals: Any) -> None:
    clean = signals.tone(1.0, -12)
    assert clipped_share(signals.pcm(clean)) == 0.0
    assert clipped_share(signals.pcm(8 * clean)) > 0.3
    assert clipped_share(signals.pcm(0.3 * np.clip(8 * clean, -1, 1))) > 0.3
    assert clipped_share(signals.pcm(signals.silence(1.0))) == 0.0


@pytest.mark.parametrize("path", CALLS, ids=[path.stem for path in CALLS])
def test_a_real_call_has_the_shape_of_speech_even_without_a_detector(path: Path, signals: Any) -> None:
    samples, rate_hz = soundfile.read(path)
    assert rate_hz == 16_000
    noise = signals.noise(len(samples) / rate_hz, 0)[: len(samples)]
    noise *= np.sqrt(np.mean(samples**2) / np.mean(noise**2) / 10.0)
    for audio in (signals.pcm(samples), signals.pcm(samples + noise)):
        assert not is_steady(audio)
        assert tone_share(audio) < 0.8
        assert sound_class(audio, 2.0) is SoundClass.SPEECH
    assert sound_class(signals.pcm(samples), None) is SoundClass.SPEECH
