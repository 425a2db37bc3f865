import itertools
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.hear.segmenter import Audio, Closed, Opened, Segmenter, Squelch, SquelchEvent, SquelchKind
from gateway.model import RATE_HZ, End, Pcm

Cut = tuple[int, int, End]
"""First sample, one past the last, why it ended."""


def feed(audio: Pcm, chunks: Sequence[int] = (1600,), squelch: Squelch | None = None) -> list[SquelchEvent]:
    """Feed in chunks of these lengths, over and over."""
    segmenter = Segmenter(squelch)
    events: list[SquelchEvent] = []
    position = turn = 0
    while position < len(audio):
        length = max(1, chunks[turn % len(chunks)])
        events += segmenter.feed(audio[position : position + length])
        position += length
        turn += 1
    return events + segmenter.flush()


def cuts_of(events: list[SquelchEvent], audio: Pcm) -> list[Cut]:
    """Check what every row of events must keep to, and return the transmissions in it."""
    cuts: list[Cut] = []
    opened: Opened | None = None
    handed_out = last_end = 0
    for event in events:
        if isinstance(event, Opened):
            assert opened is None
            assert last_end <= event.start <= event.onset
            opened, handed_out = event, event.start
        elif isinstance(event, Audio):
            assert opened is not None
            assert event.start == handed_out
            assert len(event.pcm) > 0
            assert (event.pcm == audio[event.start : event.start + len(event.pcm)]).all()
            handed_out += len(event.pcm)
        else:
            assert opened is not None
            assert event.end == handed_out > opened.start
            assert opened.start < event.signal_end
            cuts.append((opened.start, event.end, event.reason))
            last_end, opened = event.end, None
    assert opened is None
    assert last_end <= len(audio)
    return cuts


def cut(audio: Pcm, chunks: Sequence[int] = (1600,), squelch: Squelch | None = None) -> list[Cut]:
    return cuts_of(feed(audio, chunks, squelch), audio)


def seconds(cuts: list[Cut]) -> list[tuple[float, float]]:
    return [(round(start / RATE_HZ, 2), round(end / RATE_HZ, 2)) for start, end, _ in cuts]


def assert_one_each(cuts: list[Cut], calls: Sequence[tuple[float, float]]) -> None:
    """Each call is inside a transmission of its own, which is not much longer."""
    assert len(cuts) == len(calls), seconds(cuts)
    for (start, end, _), (begin_s, end_s) in zip(cuts, calls, strict=True):
        assert begin_s - 0.75 < start / RATE_HZ <= begin_s + 0.02
        assert end_s - 0.1 <= end / RATE_HZ < end_s + 0.6


@pytest.mark.parametrize("dbfs", [-45, -26, -10])
@pytest.mark.parametrize("gap_s", [0.95, 3.0])
def test_calls_out_of_silence(signals: Any, dbfs: float, gap_s: float) -> None:
    call = signals.speech(2.4, dbfs)
    audio = signals.pcm(signals.silence(1.5), call, signals.silence(gap_s), call, signals.silence(1.5))
    assert_one_each(cut(audio), [(1.5, 3.9), (3.9 + gap_s, 6.3 + gap_s)])


@pytest.mark.parametrize("snr_db", [20, 12, 8])
@pytest.mark.parametrize("dbfs", [-45, -26, -12])
def test_calls_over_steady_noise(signals: Any, snr_db: float, dbfs: float) -> None:
    call = signals.speech(2.4, dbfs)
    clean = np.concatenate([signals.silence(1.5), call, signals.silence(1.0), call, signals.silence(2.0)])
    audio = signals.pcm(clean + signals.noise(len(clean) / RATE_HZ, dbfs - snr_db))
    assert_one_each(cut(audio), [(1.5, 3.9), (4.9, 7.3)])


@pytest.mark.parametrize("snr_db", [40, 20, 12])
def test_a_comma_does_not_split_a_call(signals: Any, snr_db: float) -> None:
    clean = np.concatenate(
        [
            signals.silence(1.5),
            signals.speech(2.4, -26),
            signals.silence(0.5),
            signals.speech(2.4, -26),
            signals.silence(1.5),
        ]
    )
    audio = signals.pcm(clean + signals.noise(len(clean) / RATE_HZ, -26 - snr_db))
    assert_one_each(cut(audio), [(1.5, 6.8)])


def test_a_key_up_lifts_the_level_and_is_a_transmission_to_its_end(signals: Any) -> None:
    keyed = signals.noise(3.0, -45)
    keyed[RATE_HZ // 2 : 2 * RATE_HZ] += signals.speech(1.5, -26)
    between = signals.noise(1.0, -75, seed=2)
    audio = signals.pcm(between, keyed, between, keyed, between)
    assert_one_each(cut(audio), [(1.0, 4.0), (5.0, 8.0)])


def test_a_carrier_without_speech_is_a_transmission_too(signals: Any) -> None:
    between = signals.noise(2.0, -75)
    audio = signals.pcm(between, signals.noise(0.4, -40, seed=3), between)
    assert_one_each(cut(audio), [(2.0, 2.4)])


def test_a_weak_first_syllable_is_inside(signals: Any) -> None:
    weak = signals.speech(0.2, -41)
    audio = signals.pcm(
        signals.silence(2.0), weak, signals.silence(0.03), signals.speech(2.0, -26), signals.silence(1.5)
    )
    clean = audio / 32768.0 + signals.noise(len(audio) / RATE_HZ, -46)
    ((start, _, _),) = cut(signals.pcm(clean))
    assert start <= 2.0 * RATE_HZ


def test_a_recording_that_begins_inside_a_word_begins_at_once(signals: Any) -> None:
    for noise_dbfs in (-90, -46, -38, -34):
        call = signals.speech(3.0, -26)[1900:]
        clean = np.concatenate([call, signals.silence(2.0)])
        audio = signals.pcm(clean + signals.noise(len(clean) / RATE_HZ + 1, noise_dbfs)[: len(clean)])
        cuts = cut(audio)
        assert len(cuts) == 1, noise_dbfs
        assert cuts[0][0] == 0, noise_dbfs


def test_a_call_half_a_second_into_a_noisy_recording(signals: Any) -> None:
    clean = np.concatenate([signals.silence(0.5), signals.speech(2.4, -26), signals.silence(2.0)])
    audio = signals.pcm(clean + signals.noise(len(clean) / RATE_HZ, -36))
    assert_one_each(cut(audio), [(0.5, 2.9)])


@pytest.mark.parametrize("dbfs", [-70, -45, -20, -6])
def test_steady_noise_alone_is_nobody(signals: Any, dbfs: float) -> None:
    assert cut(signals.pcm(signals.noise(10.0, dbfs))) == []


def test_digital_silence_and_rounding_noise_are_nobody(signals: Any) -> None:
    assert cut(np.zeros(5 * RATE_HZ, dtype=np.int16)) == []
    rounding = np.random.default_rng(1).integers(-1, 2, 5 * RATE_HZ).astype(np.int16)
    assert cut(np.concatenate([np.zeros(2 * RATE_HZ, dtype=np.int16), rounding])) == []


@pytest.mark.parametrize(("before_dbfs", "after_dbfs"), [(-60, -40), (-40, -60)])
def test_a_floor_that_steps_is_followed(signals: Any, before_dbfs: float, after_dbfs: float) -> None:
    call = np.concatenate([signals.silence(20.0), signals.speech(2.4, -26), signals.silence(2.0)])
    before = call + signals.noise(len(call) / RATE_HZ, before_dbfs)
    after = call + signals.noise(len(call) / RATE_HZ, after_dbfs, seed=2)
    audio = signals.pcm(before, after)
    cuts = cut(audio)
    at_s = len(call) / RATE_HZ
    stepping = [one for one in cuts if at_s - 0.5 < one[0] / RATE_HZ < at_s + 0.5]
    assert len(stepping) == (1 if after_dbfs > before_dbfs else 0), (
        "a louder floor is heard once, until it is known"
    )
    assert_one_each([one for one in cuts if one not in stepping], [(20.0, 22.4), (at_s + 20.0, at_s + 22.4)])


@pytest.mark.parametrize("lead_s", [0.0, 2.0])
def test_a_tone_does_not_hold_the_squelch_open(signals: Any, lead_s: float) -> None:
    audio = signals.pcm(signals.silence(lead_s), signals.tone(30.0, -20))
    ((start, end, reason),) = cut(audio)
    assert start <= lead_s * RATE_HZ
    assert (end - start) / RATE_HZ < 18.0
    assert reason is End.SILENCE


def test_hum_does_not_open_the_squelch(signals: Any) -> None:
    assert cut(signals.pcm(signals.silence(1.5), signals.tone(5.0, -20, hz=50), signals.silence(1.0))) == []


def test_a_click_does_not_open_the_squelch(signals: Any) -> None:
    click = signals.silence(3.0)
    click[RATE_HZ : RATE_HZ + 80] = 0.9
    assert cut(signals.pcm(signals.silence(1.0), click)) == []


def test_a_word_cut_out_tightly_is_heard(signals: Any) -> None:
    for length_s in (0.3, 0.5, 0.9):
        assert len(cut(signals.pcm(signals.speech(length_s, -26)))) == 1


def test_a_long_call_goes_on_in_the_next_transmission(signals: Any) -> None:
    audio = signals.pcm(signals.silence(1.5), signals.speech(12.0, -26), signals.silence(1.5))
    cuts = cut(audio, squelch=Squelch(max_length_s=5.0))
    assert [reason for _, _, reason in cuts] == [End.MAX_LENGTH, End.MAX_LENGTH, End.SILENCE]
    for (start, end, _), (next_start, _, _) in itertools.pairwise(cuts):
        assert end - start == 5 * RATE_HZ
        assert next_start == end
    assert_one_each([(cuts[0][0], cuts[-1][1], End.SILENCE)], [(1.5, 13.5)])


def test_the_end_of_the_stream_says_how_it_ended(signals: Any) -> None:
    call = signals.pcm(signals.silence(1.5), signals.speech(2.4, -26))
    ((_, end, reason),) = cut(call[: round(3.3 * RATE_HZ) + 7])
    assert (end, reason) == (round(3.3 * RATE_HZ) + 7, End.STOPPED)
    ((_, end, reason),) = cut(np.concatenate([call, np.zeros(RATE_HZ // 2, dtype=np.int16)]))
    assert reason is End.SILENCE
    assert 4.1 < end / RATE_HZ < 4.3


def test_opened_comes_while_the_call_is_still_on_the_air(signals: Any) -> None:
    audio = signals.pcm(signals.silence(1.5), signals.speech(5.0, -26))
    segmenter = Segmenter()
    events = segmenter.feed(audio[: 2 * RATE_HZ])
    assert [type(event) for event in events] == [Opened, Audio]
    assert segmenter.is_open
    assert isinstance(events[1], Audio)
    assert events[1].start + len(events[1].pcm) > 1.9 * RATE_HZ


def test_the_signal_inside_a_transmission_is_marked(signals: Any) -> None:
    audio = signals.pcm(signals.silence(2.0), signals.tone(1.0, -26), signals.silence(2.0))
    events = feed(audio)
    opened, closed = events[0], events[-1]
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    assert opened.onset / RATE_HZ == pytest.approx(2.0, abs=0.03)
    assert closed.signal_end / RATE_HZ == pytest.approx(3.0, abs=0.06)


class TestCarrier:
    def cut(self, audio: Pcm, flags: list[bool], kind: SquelchKind) -> list[Cut]:
        segmenter = Segmenter(Squelch(kind=kind))
        events: list[SquelchEvent] = []
        for index, flag in enumerate(flags):
            events += segmenter.feed(audio[index * 1600 : (index + 1) * 1600], flag)
        return cuts_of(events + segmenter.flush(), audio)

    def test_the_flag_alone_opens_and_closes(self) -> None:
        audio = np.zeros(6 * RATE_HZ, dtype=np.int16)
        ((start, end, reason),) = self.cut(
            audio, [False] * 20 + [True] * 20 + [False] * 20, SquelchKind.CARRIER
        )
        assert start / RATE_HZ == pytest.approx(1.7, abs=0.03)
        assert end / RATE_HZ == pytest.approx(4.1, abs=0.03)
        assert reason is End.CARRIER

    def test_both_need_sound_and_carrier(self, signals: Any) -> None:
        sound = signals.tone(1.0, -26)
        audio = signals.pcm(
            signals.silence(1.5),
            sound,
            signals.silence(1.0),
            sound,
            signals.silence(1.5),
            signals.silence(1.0),
        )
        for on_the_air, ends_with in ((30, End.SILENCE), (12, End.CARRIER)):
            flags = [False] * 30 + [True] * on_the_air + [False] * (40 - on_the_air)
            ((start, _, reason),) = self.cut(audio, flags, SquelchKind.BOTH)
            assert start / RATE_HZ == pytest.approx(3.2, abs=0.05)
            assert reason is ends_with

    def test_both_bear_a_pause_between_words(self, signals: Any) -> None:
        audio = signals.pcm(
            signals.silence(1.5), signals.speech(2.4, -26), signals.silence(0.5), signals.speech(2.4, -26)
        )
        ((start, end, _),) = self.cut(audio, [True] * (len(audio) // 1600 + 1), SquelchKind.BOTH)
        assert (start / RATE_HZ, end / RATE_HZ) == pytest.approx((1.2, 6.8), abs=0.1)


SOUND = st.tuples(
    st.sampled_from(["silence", "noise", "speech", "tone"]),
    st.floats(0.01, 3.0),
    st.sampled_from([-70.0, -50.0, -40.0, -26.0, -12.0]),
)


@given(
    sounds=st.lists(SOUND, min_size=1, max_size=6),
    chunks=st.lists(st.integers(1, 9_000), min_size=1, max_size=5),
    max_length_s=st.sampled_from([0.5, 2.0, 60.0]),
)
@settings(max_examples=60, deadline=None)
def test_chunks_do_not_change_the_transmissions(
    signals: Any, sounds: list[tuple[str, float, float]], chunks: list[int], max_length_s: float
) -> None:
    """Also checks, in cuts_of, that nothing is lost, doubled or overlapping."""
    pieces = [
        signals.silence(length_s) if kind == "silence" else getattr(signals, kind)(max(length_s, 0.01), dbfs)
        for kind, length_s, dbfs in sounds
    ]
    audio = signals.pcm(*pieces)
    squelch = Squelch(max_length_s=max_length_s)
    cuts = cut(audio, chunks, squelch)
    assert cuts == cut(audio, [len(audio)], squelch) == cut(audio, [320], squelch)
    assert all(end - start <= max_length_s * RATE_HZ for start, end, _ in cuts)


def test_is_at_least_two_hundred_times_faster_than_the_air(signals: Any) -> None:
    """Measured at a thousand and more, so this fails for an algorithm and not for a busy machine."""
    call = np.concatenate([signals.speech(2.4, -26), signals.silence(2.0)])
    audio = signals.pcm(np.tile(call, 30))
    begun_at = time.process_time()
    cut(audio, [1600])
    assert (time.process_time() - begun_at) * 200 < len(audio) / RATE_HZ


def test_a_long_pre_roll_never_reaches_into_the_call_before(signals: Any) -> None:
    call, pause = signals.tone(1.0, -26), signals.silence(0.6)
    audio = signals.pcm(signals.silence(2.0), call, pause, call, pause, call, signals.silence(2.0))
    cuts = cut(audio, squelch=Squelch(hang_s=0.3, pre_roll_s=1.5, tail_s=0.2))
    assert len(cuts) == 3
    assert [start for start, _, _ in cuts[1:]] == [end for _, end, _ in cuts[:-1]]
