import threading

import numpy as np
import pytest

from gateway.model import RATE_HZ, Pcm
from gateway.recognise.vad import FRAME_SAMPLES, Vad


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
