from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ModelUnavailable
from gateway.model import RATE_HZ, Pcm, PhoneEvidence
from gateway.recognise.encoder import FRAME_STEP_SAMPLES, WINDOW_S, Frames, fitted_s, windows
from gateway.recognise.vad import FRAME_SAMPLES, Vad
from gateway.recognise.whisper import WhisperRecogniser


class Listening:
    """A phone head that keeps what it was given, and answers one column for each row."""

    def __init__(self) -> None:
        self.given: list[Frames] = []

    def __call__(self, frames: Frames) -> PhoneEvidence:
        self.given.append(frames)
        return PhoneEvidence(np.zeros((len(frames), 1), dtype=np.float32), ())


@pytest.fixture(scope="module")
def head() -> Listening:
    return Listening()


@pytest.fixture(scope="module")
def listener(whisper_folder: Path, vad: Vad, head: Listening) -> Iterator[WhisperRecogniser]:
    recogniser = WhisperRecogniser(whisper_folder, vad, threads=2, phone_head=head)
    yield recogniser
    recogniser.close()


@pytest.mark.model
def test_it_reads_a_call(listener: WhisperRecogniser, report: Pcm) -> None:
    heard = listener.transcribe(report)
    assert "指挥中心" in heard.text, "simplified characters, whatever the engine wrote"
    assert "紧急情况" in heard.text
    assert heard.doubts == ("phones_disagree",), (
        "the stand-in for the head hears no phones, and no more is wrong"
    )
    assert all(text != heard.text for text in heard.alternatives)


@pytest.mark.model
def test_the_phone_head_reads_the_same_encoder_pass(
    listener: WhisperRecogniser, head: Listening, acknowledgement: Pcm
) -> None:
    head.given.clear()
    heard = listener.transcribe(acknowledgement)
    rows = -(-len(acknowledgement) // FRAME_STEP_SAMPLES)
    assert [frames.shape for frames in head.given] == [(rows, 512)], "only real audio, not the padding"
    assert head.given[0].dtype == np.float32
    assert heard.phones is not None
    assert len(heard.phones.log_probs) == rows


@pytest.mark.model
def test_phones_of_a_long_call_stay_on_one_grid(
    listener: WhisperRecogniser, head: Listening, acknowledgement: Pcm
) -> None:
    head.given.clear()
    long = np.concatenate([acknowledgement, np.zeros(31 * RATE_HZ + 77, dtype=np.int16), acknowledgement])
    heard = listener.transcribe(long)
    assert [len(frames) for frames in head.given] == [-(-len(long) // FRAME_STEP_SAMPLES)]
    assert heard.text.count("收到") == 2


@pytest.mark.model
def test_closed_twice_it_says_so(whisper_folder: Path, vad: Vad, report: Pcm) -> None:
    recogniser = WhisperRecogniser(whisper_folder, vad)
    recogniser.close()
    recogniser.close()
    with pytest.raises(ModelUnavailable, match="closed"):
        recogniser.transcribe(report)


def test_a_missing_folder_is_one_sentence(tmp_path: Path, vad: Vad) -> None:
    with pytest.raises(ModelUnavailable, match=r"models fetch whisper-base$") as told:
        WhisperRecogniser(tmp_path / "nowhere", vad)
    assert "\n" not in str(told.value)


@pytest.mark.model
def test_a_fitted_context_reads_the_same_call(
    whisper_folder: Path, vad: Vad, head: Listening, report: Pcm
) -> None:
    fitted = WhisperRecogniser(whisper_folder, vad, threads=2, phone_head=head, fitted=True)
    head.given.clear()
    heard = fitted.transcribe(report)
    assert "指挥中心" in heard.text
    assert [len(frames) for frames in head.given] == [-(-len(report) // FRAME_STEP_SAMPLES)]
    fitted.close()


@pytest.mark.parametrize(("audio_s", "filled_s"), [(0.2, 15), (10.0, 15), (10.1, 20), (25.0, 30), (30.0, 30)])
def test_a_fitted_context_leaves_room_for_silence(audio_s: float, filled_s: int) -> None:
    assert fitted_s(audio_s) == filled_s


@given(samples=st.integers(1, 200 * RATE_HZ), seed=st.integers(0, 9))
def test_windows_cover_every_sample_once(samples: int, seed: int) -> None:
    speech = np.random.default_rng(seed).random(-(-samples // FRAME_SAMPLES), dtype=np.float32)
    cut = windows(samples, speech)
    assert cut[0].start == 0
    assert cut[-1].stop == samples
    assert all(one.stop == following.start for one, following in pairwise(cut))
    assert all(0 < one.stop - one.start <= WINDOW_S * RATE_HZ for one in cut)
    assert all(one.start % FRAME_STEP_SAMPLES == 0 for one in cut)


def test_a_long_call_is_cut_where_nobody_speaks() -> None:
    speech = np.ones(40 * RATE_HZ // FRAME_SAMPLES, dtype=np.float32)
    pause = slice(27 * RATE_HZ // FRAME_SAMPLES, 28 * RATE_HZ // FRAME_SAMPLES)
    speech[pause] = 0.0
    first, _ = windows(40 * RATE_HZ, speech)
    assert 27.0 <= first.stop / RATE_HZ <= 28.0
