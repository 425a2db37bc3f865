"""What every Recogniser promises, tried on each engine with its real model."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from rapidfuzz import fuzz

from gateway.model import RATE_HZ, Pcm, Transcript
from gateway.recognise.base import Recogniser


@pytest.fixture(params=["whisper", "korean"])
def recogniser(request: pytest.FixtureRequest) -> Recogniser:
    chosen: Recogniser = request.getfixturevalue(request.param)
    return chosen


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE_HZ), dtype=np.int16)


def white_noise(seconds: float, level: float = 3_000.0) -> Pcm:
    random = np.random.default_rng(5)
    return (random.standard_normal(round(seconds * RATE_HZ)) * level).clip(-32768, 32767).astype(np.int16)


def tone(seconds: float) -> Pcm:
    at_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (10_000 * np.sin(2 * np.pi * 1_000 * at_s)).astype(np.int16)


def alike(one: Transcript, other: Transcript) -> bool:
    """Whisper repeats itself exactly; Kaldi dithers its input with noise of its own, so a word may differ."""
    if one.engine == "whisper":
        return one.text == other.text
    return fuzz.ratio(one.text, other.text) > 70.0


NOTHING: dict[str, Callable[[], Pcm]] = {
    "no samples": lambda: silence(0.0),
    "one sample": lambda: np.ones(1, dtype=np.int16),
    "a tenth of a second": lambda: white_noise(0.1),
    "silence": lambda: silence(4.0),
    "white noise": lambda: white_noise(4.0),
    "faint noise": lambda: white_noise(4.0, 30.0),
    "clipped noise": lambda: white_noise(4.0, 60_000.0),
    "1 kHz tone": lambda: tone(4.0),
    "40 s of noise": lambda: white_noise(40.0),
}


@pytest.mark.model
@pytest.mark.parametrize("sound", NOTHING)
def test_where_nobody_speaks_there_are_no_words(recogniser: Recogniser, sound: str) -> None:
    heard = recogniser.transcribe(NOTHING[sound]())
    assert heard.text == ""
    assert heard.words == ()
    assert heard.alternatives == ()
    assert heard.confidence is None


@pytest.mark.model
def test_a_call_gives_words_and_says_who_read_it(recogniser: Recogniser, report: Pcm) -> None:
    heard = recogniser.transcribe(report)
    assert heard.text
    assert heard.raw
    assert (heard.engine, heard.model) == (recogniser.engine, recogniser.model)
    assert heard.decode_s > 0.0
    assert heard.confidence is not None
    assert 0.0 < heard.confidence <= 1.0
    assert heard.phones is None


@pytest.mark.model
def test_a_second_hearing_is_like_the_first(recogniser: Recogniser, acknowledgement: Pcm) -> None:
    first = recogniser.transcribe(acknowledgement)
    second = recogniser.transcribe(acknowledgement)
    assert alike(first, second)
    if second.words:
        starts_s = (first.words[0].start_s, second.words[0].start_s)
        assert starts_s[0] == pytest.approx(starts_s[1], abs=0.3), (
            "times count from each transmission's own start"
        )


@pytest.mark.model
def test_two_threads_hear_what_one_hears(
    recogniser: Recogniser, acknowledgement: Pcm, other_acknowledgement: Pcm
) -> None:
    calls = (acknowledgement, other_acknowledgement)
    alone = [recogniser.transcribe(audio) for audio in calls]
    together: dict[int, Transcript] = {}

    def listen(place: int) -> None:
        together[place] = recogniser.transcribe(calls[place])

    threads = [threading.Thread(target=listen, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert alike(together[0], alone[0])
    assert alike(together[1], alone[1])


@pytest.mark.model
def test_forty_seconds_are_read_to_the_end(recogniser: Recogniser, acknowledgement: Pcm) -> None:
    """Two calls with so much silence between that no window holds both: the words of both must be there."""
    gap = silence(40.0 - 2 * len(acknowledgement) / RATE_HZ)
    once = recogniser.transcribe(acknowledgement)
    twice = recogniser.transcribe(np.concatenate([acknowledgement, gap, acknowledgement]))
    assert len(twice.text) >= 2 * len(once.text) - 6
