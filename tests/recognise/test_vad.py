import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gateway.hear.classify import classify
from gateway.model import RATE_HZ, Pcm, SoundClass
from gateway.recognise.vad import FRAME_SAMPLES, Vad
from tools.channel import Channel, band, transmit

CALLS = Path(__file__).parents[1] / "data" / "calls"


def test_one_probability_for_each_frame_even_an_unfinished_one(vad: Vad) -> None:
    for samples in (0, 1, FRAME_SAMPLES - 1, FRAME_SAMPLES, FRAME_SAMPLES + 1, RATE_HZ):
        probabilities = vad.speech_probabilities(np.zeros(samples, dtype=np.int16))
        assert probabilities.shape == (-(-samples // FRAME_SAMPLES),)
        assert probabilities.dtype == np.float32


def test_a_voice_is_heard_at_any_level_and_in_noise(vad: Vad, report: Pcm) -> None:
    random = np.random.default_rng(3)
    rms = float(np.sqrt(np.mean(np.square(report.astype(np.float64)))))
    noisy = report + random.standard_normal(len(report)) * rms * 10 ** (-8 / 20)
    for audio in (report, (report * 0.05), noisy):
        pcm = audio.clip(-32768, 32767).astype(np.int16)
        assert 2.0 < vad.speech_s(pcm) < len(report) / RATE_HZ


@pytest.mark.parametrize("level", [0, 30, 1_000, 10_000])
def test_noise_is_no_voice(vad: Vad, level: int) -> None:
    noise = np.random.default_rng(4).standard_normal(5 * RATE_HZ) * level
    assert vad.speech_s(noise.clip(-32768, 32767).astype(np.int16)) < 0.1


def test_threads_do_not_disturb_each_other(vad: Vad, report: Pcm, acknowledgement: Pcm) -> None:
    alone = [vad.speech_probabilities(report), vad.speech_probabilities(acknowledgement)]
    together: dict[int, list[np.ndarray]] = {0: [], 1: []}

    def listen(place: int, audio: Pcm) -> None:
        together[place] = [vad.speech_probabilities(audio) for _ in range(5)]

    threads = [threading.Thread(target=listen, args=(n, a)) for n, a in enumerate((report, acknowledgement))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place in (0, 1):
        for heard in together[place]:
            np.testing.assert_allclose(heard, alone[place], atol=1e-6)


def words_of(call: Pcm, seconds: float) -> Pcm:
    """The first `seconds` of speech, cut off hard as a squelch does."""
    begin = int(np.flatnonzero(np.abs(call.astype(np.int32)) > 1_000)[0])
    return call[begin : begin + round(seconds * RATE_HZ)]


@pytest.mark.parametrize("snr_db", [20, 12, 8, None])
@pytest.mark.parametrize("call", ["scripted-jump-4", "scripted-jump-4b", "dev-ack-02-0", "test-arrived-00-0"])
def test_a_short_word_is_speech_wherever_the_frames_fall(vad: Vad, call: str, snr_db: float | None) -> None:
    samples, _ = soundfile.read(CALLS / f"{call}.flac", dtype="int16")
    word = words_of(samples, 0.6).astype(np.float32) / 32768
    sent = transmit(word, Channel(snr_db=snr_db, squelch_tail_s=0.0), 5)
    for late in range(0, FRAME_SAMPLES, 96):
        for still in (0, RATE_HZ // 4):
            padded = np.concatenate([np.zeros(still + late), sent, np.zeros(still)])
            audio = np.rint(padded * 32767).astype(np.int16)
            assert classify(audio, vad.speech_probabilities(audio)).sound_class is SoundClass.SPEECH, late


def other_sounds() -> dict[str, np.ndarray]:
    random, times = np.random.default_rng(6), np.arange(2 * RATE_HZ) / RATE_HZ
    sounds = {f"noise {level}": level * random.standard_normal(len(times)) for level in (0.0, 0.01, 0.1)}
    for low_hz, high_hz in ((300, 3_000), (300, 1_200)):
        noise = band(random.standard_normal(len(times)), low_hz, high_hz)
        sounds[f"noise {low_hz} to {high_hz} Hz"] = 0.1 * noise / noise.std()
    for hz in (150, 440, 1_000, 2_100):
        sounds[f"tone {hz} Hz"] = 0.2 * np.sin(2 * np.pi * hz * times)
    for root_hz in (131, 220, 392):
        voices = [
            np.sin(2 * np.pi * root_hz * step * n * times) / n for step in (1, 1.26, 1.5) for n in (1, 2, 3)
        ]
        sounds[f"chord {root_hz} Hz"] = 0.05 * np.sum(voices, axis=0)
        sounds[f"struck chord {root_hz} Hz"] = sounds[f"chord {root_hz} Hz"] * np.exp(-3 * (2 * times % 1))
    scale_hz = 262 * 2 ** (np.floor(8 * times) / 12)
    sounds["scale"] = 0.2 * np.sin(2 * np.pi * np.cumsum(scale_hz) / RATE_HZ)
    sounds["beeps"] = 0.2 * np.sin(2 * np.pi * 1_000 * times) * (4 * times % 1 < 0.5)
    return sounds


@pytest.mark.parametrize("seconds", [0.3, 0.7, 2.0])
@pytest.mark.parametrize("name", other_sounds())
def test_no_other_sound_is_a_voice(vad: Vad, name: str, seconds: float) -> None:
    sound = other_sounds()[name][: round(seconds * RATE_HZ)]
    for still in (0, RATE_HZ // 4):
        padded = np.concatenate([np.zeros(still), sound, np.zeros(still)])
        audio = np.rint(padded.clip(-1, 1) * 32767).astype(np.int16)
        assert classify(audio, vad.speech_probabilities(audio)).sound_class is not SoundClass.SPEECH


def test_frames_stay_where_they_were_when_the_better_pass_was_a_shifted_one(vad: Vad, report: Pcm) -> None:
    """Told apart by 0.1 s of the call's own begin, wherever that lies in a frame."""
    voice = np.flatnonzero(vad.speech_probabilities(report) >= 0.5) * FRAME_SAMPLES
    for late in (100, 256, 300, 450):
        moved = vad.speech_probabilities(np.concatenate([np.zeros(late, dtype=np.int16), report]))
        begin = int(np.flatnonzero(moved >= 0.5)[0]) * FRAME_SAMPLES - late
        assert abs(begin - int(voice[0])) < RATE_HZ // 10


@pytest.mark.parametrize("call", ["dev-ack-01-0", "dev-report-06-0", "dev-report-20-0", "dev-test-00-0"])
def test_a_loud_voice_without_noise_does_not_escape(vad: Vad, call: str) -> None:
    """The network hears under 0.4 s of these, limited and noiseless, unless they are made quieter."""
    samples, _ = soundfile.read(CALLS / f"{call}.flac", dtype="float32")
    sent = transmit(samples, Channel(snr_db=None), 5)
    still = np.zeros(round(0.3 * RATE_HZ))
    joined = np.concatenate([still, sent, still])
    joined += 1e-4 * np.random.default_rng(1).standard_normal(len(joined))
    pcm = np.rint(joined * 32767).astype(np.int16)
    assert vad.speech_s(pcm) > 1.0
