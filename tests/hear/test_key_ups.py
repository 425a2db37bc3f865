"""One transmission for each key-up, on recordings as a radio's loudspeaker socket gives them."""

import itertools
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import soundfile

from gateway.hear.segmenter import Closed, Opened, Segmenter, Squelch
from gateway.model import RATE_HZ, End, Pcm
from tools.channel import FRAME, Channel, Samples, active_power, conversation, transmit

CALLS = sorted((Path(__file__).parents[1] / "data" / "calls").glob("*.flac"))
Kind = Literal["key-up noise", "digital silence", "steady noise"]
Span = tuple[float, float]
"""Begin and end in seconds."""


@pytest.fixture(scope="module")
def clips() -> list[Samples]:
    return [soundfile.read(path, dtype="float32")[0] for path in CALLS[::9]]


def pcm(samples: Any) -> Pcm:
    return np.clip(np.rint(np.asarray(samples) * 32768), -32768, 32767).astype(np.int16)


def cuts(audio: Pcm, squelch: Squelch | None = None) -> list[tuple[float, float, End]]:
    segmenter = Segmenter(squelch)
    events = [event for at in range(0, len(audio), 1600) for event in segmenter.feed(audio[at : at + 1600])]
    events += segmenter.flush()
    opened = [event.start / RATE_HZ for event in events if isinstance(event, Opened)]
    closed = [event for event in events if isinstance(event, Closed)]
    return [(start, end.end / RATE_HZ, end.reason) for start, end in zip(opened, closed, strict=True)]


def spoken(clip: Samples, within_db: float = 25.0) -> Span:
    """Where the clip's speech lies: the 20 ms frames within so much of the loudest."""
    power = (clip[: len(clip) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64) ** 2).mean(1)
    loud = np.flatnonzero(power > power.max() / 10 ** (within_db / 10))
    return float(loud[0]) * FRAME / RATE_HZ, float(loud[-1] + 1) * FRAME / RATE_HZ


def recording(clips: list[Samples], kind: Kind, snr_db: float | None, gap_s: Span) -> tuple[Pcm, list[Span]]:
    """All clips in a row, and where in it somebody speaks."""
    steady = kind == "steady noise"
    channel = Channel(snr_db=None, squelch_tail_s=0.0) if steady else Channel(snr_db=snr_db)
    sent = [transmit(clip, channel, seed) for seed, clip in enumerate(clips)]
    joined, placed = conversation(sent, 7, gap_s, floor=1e-4 if kind == "key-up noise" else 0.0)
    if steady:
        power = np.mean([active_power(one) for one in sent]) / 10 ** (
            (30.0 if snr_db is None else snr_db) / 10
        )
        joined = joined + np.random.default_rng(8).standard_normal(len(joined)) * np.sqrt(
            power * 8_000 / 2_700
        )
    begin_s = [one.start_s + channel.lead_s for one in placed]
    # What is weaker than a noise that is always there, nobody can hear.
    spans = [spoken(clip, 12.0 if steady else 25.0) for clip in clips]
    return pcm(joined), [(at + begin, at + end) for at, (begin, end) in zip(begin_s, spans, strict=True)]


@pytest.mark.parametrize("gap_s", [(0.9, 1.5), (1.5, 4.0)])
@pytest.mark.parametrize("snr_db", [20, 12, 8, None])
@pytest.mark.parametrize("kind", ["key-up noise", "digital silence", "steady noise"])
def test_each_key_up_is_one_transmission(
    clips: list[Samples], kind: Kind, snr_db: float | None, gap_s: Span
) -> None:
    audio, calls = recording(clips, kind, snr_db, gap_s)
    found = cuts(audio)
    assert len(found) == len(calls)
    for (start, end, _), (begin, over) in zip(found, calls, strict=True):
        assert start <= begin + 0.04
        assert over - 0.1 <= end
    for (_, end, _), (begin, _) in zip(found, calls[1:], strict=False):
        assert end < begin


def hiss(length_s: float, seed: int = 3) -> Samples:
    return (1e-4 * np.random.default_rng(seed).standard_normal(round(length_s * RATE_HZ))).astype(np.float32)


@pytest.mark.parametrize("snr_db", [20, 12, 8])
def test_long_pauses_do_not_end_a_key_up(clips: list[Samples], snr_db: float) -> None:
    said = np.concatenate([clips[0], np.zeros(24_000), clips[1], np.zeros(48_000), clips[2]])
    call = transmit(said, Channel(snr_db=snr_db), 1)
    ((start, end, _),) = cuts(pcm(np.concatenate([hiss(2.0), call, hiss(2.0)])))
    assert (start, end) == pytest.approx((1.7, 2.3 + len(call) / RATE_HZ), abs=0.06)


@pytest.mark.parametrize("snr_db", [20, 8])
def test_a_key_up_of_forty_seconds_is_one(clips: list[Samples], snr_db: float) -> None:
    call = transmit(np.concatenate(clips)[: 40 * RATE_HZ], Channel(snr_db=snr_db), 1)
    ((start, end, _),) = cuts(pcm(np.concatenate([hiss(2.0), call, hiss(2.0)])))
    assert end - start > 40


@pytest.mark.parametrize("gap_s", [1.0, 1.3, 1.8])
@pytest.mark.parametrize("snr_db", [20, 12, 8, None])
def test_a_short_word_soon_after_a_call_is_kept(
    clips: list[Samples], snr_db: float | None, gap_s: float
) -> None:
    word, _ = soundfile.read(CALLS[0].parent / "scripted-jump-4.flac", dtype="float32")
    begin = round(spoken(word)[0] * RATE_HZ)
    channel = Channel(snr_db=snr_db, squelch_tail_s=0.0, tail_s=0.0, lead_s=0.02)
    over = round(spoken(clips[0])[1] * RATE_HZ)
    call = transmit(clips[0][:over], channel, 1)
    short = transmit(word[begin : begin + RATE_HZ // 2], channel, 2)
    audio = pcm(np.concatenate([hiss(2.0), call, hiss(gap_s), short, hiss(2.0)]))
    _, (start, end, _) = cuts(audio)
    begun_s = 2.0 + len(call) / RATE_HZ + gap_s
    assert start < begun_s + 0.05
    assert end > begun_s + 0.45


def test_a_word_that_follows_the_tail_of_the_squelch_is_kept(signals: Any) -> None:
    speech, burst, still = signals.speech(2.4, -26), signals.noise(0.12, -24), signals.silence
    for pause_s in (0.0, 0.1, 0.3):
        audio = pcm(
            np.concatenate([still(1.5), speech, still(1.0), burst, still(pause_s), speech, still(1.5)])
        )
        first, second = cuts(audio)
        begun_s = 1.5 + 2.4 + 1.0 + 0.12 + pause_s
        assert first[1] < 4.9
        assert second[0] < begun_s + 0.02
        assert second[1] > begun_s + 2.3


@pytest.mark.parametrize("length_s", [0.1, 0.2, 0.3])
def test_the_tail_of_a_squelch_is_no_transmission(signals: Any, length_s: float) -> None:
    speech, burst, still = signals.speech(2.4, -26), signals.noise(length_s, -24), signals.silence
    for pause_s in (0.9, 1.3, 1.7):
        audio = pcm(np.concatenate([still(1.5), speech, still(pause_s), burst, still(3.0)]))
        assert len(cuts(audio)) == 1
    alone = pcm(np.concatenate([still(1.5), speech, still(3.0), signals.noise(0.3, -24), still(3.0)]))
    assert len(cuts(alone)) == 2, "long after a call, a short key-up is one of its own"


@pytest.mark.parametrize("sound", ["noise", "tone"])
@pytest.mark.parametrize("floor", [0.0, 1.0])
def test_what_sticks_is_let_go(signals: Any, sound: str, floor: float) -> None:
    for length_s, expected_s in ((5.0, 5.6), (40.0, 16.6)):
        held = getattr(signals, sound)(length_s, -26)
        ((start, end, reason),) = cuts(
            pcm(np.concatenate([floor * hiss(2.0), held, floor * hiss(2.0, seed=4)]))
        )
        assert end - start == pytest.approx(expected_s, abs=0.3)
        assert reason is End.SILENCE


def test_no_carrier_is_believed_in_for_longer_than_a_radio_may_transmit(clips: list[Samples]) -> None:
    """A squelch that sticks open under a conversation joins its calls only until then."""
    audio, calls = recording(clips, "steady noise", 12, (1.5, 4.0))
    found = cuts(np.concatenate([pcm(hiss(2.0)), audio]), Squelch(longest_carrier_s=20.0))
    assert found[0][1] - found[0][0] == pytest.approx(20.0, abs=6.0)
    later = [(begin + 2.0, over + 2.0) for begin, over in calls if begin + 2.0 > found[0][1]]
    assert len(found) - 1 == len(later) > 5
    for (start, end, _), (begin, over) in zip(found[1:], later, strict=True):
        assert start <= begin + 0.04
        assert over - 0.1 <= end


@pytest.mark.parametrize("zeros_s", [0.1, 0.3, 0.45])
def test_the_zeros_of_a_starting_sound_card_are_no_floor(clips: list[Samples], zeros_s: float) -> None:
    audio, calls = recording(clips, "steady noise", 12, (1.5, 4.0))
    assert len(cuts(np.concatenate([np.zeros(round(zeros_s * RATE_HZ), np.int16), audio]))) == len(calls)


def test_transmissions_never_overlap(clips: list[Samples]) -> None:
    audio, _ = recording(clips, "key-up noise", None, (0.9, 1.0))
    assert all(end <= start for (_, end, _), (start, _, _) in itertools.pairwise(cuts(audio)))
