"""Expressions that open a squelch, and what a squelch does with them."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.hear.segmenter import Audio, Closed, Opened, Segmenter, Squelch, SquelchEvent
from gateway.model import RATE_HZ, End, Pcm
from gateway.squelchkind import SENSES, SquelchKind

CHUNK = 1600

EXPRESSIONS = st.recursive(
    st.sampled_from(SENSES),
    lambda parts: st.one_of(
        parts.map(lambda part: f"!{part}" if part in SENSES else f"! ({part})"),
        st.tuples(parts, st.sampled_from("&|"), parts).map(
            lambda three: f"({three[0]} {three[1]}{three[2]})"
        ),
    ),
    max_leaves=8,
)
VERDICTS = st.sampled_from([(False, False), (False, True), (True, True)])


@given(text=EXPRESSIONS, truth=st.fixed_dictionaries({name: st.booleans() for name in SENSES}))
def test_an_expression_means_what_logic_says(text: str, truth: dict[str, bool]) -> None:
    python = text.replace("&", " and ").replace("|", " or ").replace("!", " not ")
    expected = eval(python, {}, truth)
    kind = SquelchKind.parse(text)
    assert kind.judge({name: (value, value) for name, value in truth.items()}) == (expected, expected)
    assert kind.senses == set(re.findall(r"\w+", text))


@given(text=EXPRESSIONS, senses=st.fixed_dictionaries(dict.fromkeys(SENSES, VERDICTS)))
def test_what_opens_also_holds(text: str, senses: dict[str, tuple[bool, bool]]) -> None:
    opens, holds = SquelchKind.parse(text).judge(senses)
    assert holds or not opens


def test_precedence_is_not_then_and_then_or() -> None:
    loose = SquelchKind.parse("vox | carrier & !rssi")
    tight = SquelchKind.parse("vox | (carrier & (!rssi))")
    for number in range(8):
        senses = {name: (bool(number >> bit & 1),) * 2 for bit, name in enumerate(SENSES)}
        assert loose.judge(senses) == tight.judge(senses)


@given(text=st.text(alphabet="voxcarierssi&|!() \tx音", max_size=40))
def test_any_text_is_a_squelch_or_named_as_none(text: str) -> None:
    complaint = ""
    try:
        SquelchKind.parse(text)
    except ValueError as error:
        complaint = str(error)
    assert not complaint or "is no squelch: " in complaint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected vox, carrier or rssi, found the end"),
        ("vox &", "found the end"),
        ("vox & noise", "found 'noise' at character 7"),
        ("vox carrier", "expected & or |, or the end, found 'carrier' at character 5"),
        ("(vox | rssi", "expected ), found the end"),
        ("vox + rssi", "found '+' at character 5"),
        ("!" * 30 + "vox", "nested deeper than 20"),
    ],
)
def test_a_faulty_expression_is_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        SquelchKind.parse(text)


Told = tuple[bool | None, float | None]


def run(audio: Pcm, told: list[Told], squelch: Squelch, deaf: list[tuple[float, float]] | None = None) -> Any:
    """Feed with what the receiver says of each 0.1 s; return (start_s, end_s, reason) of what is cut."""
    segmenter = Segmenter(squelch)
    for start_s, end_s in deaf or []:
        segmenter.deafen(round(start_s * RATE_HZ), round(end_s * RATE_HZ))
    events: list[SquelchEvent] = []
    for index, (carrier, rssi_dbm) in enumerate(told):
        events += segmenter.feed(audio[index * CHUNK : (index + 1) * CHUNK], carrier, rssi_dbm)
    return spans(events + segmenter.flush(), audio)


def spans(events: list[SquelchEvent], audio: Pcm) -> list[tuple[float, float, End]]:
    """Check that the audio between Opened and Closed is whole and never handed out twice."""
    found: list[tuple[float, float, End]] = []
    opened = handed_out = last_end = 0
    for event in events:
        if isinstance(event, Opened):
            assert event.start >= last_end
            opened = handed_out = event.start
        elif isinstance(event, Audio):
            assert event.start == handed_out
            assert (event.pcm == audio[event.start : event.start + len(event.pcm)]).all()
            handed_out += len(event.pcm)
        else:
            assert isinstance(event, Closed)
            assert event.end == handed_out > opened
            found.append((opened / RATE_HZ, event.end / RATE_HZ, event.reason))
            last_end = event.end
    return found


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


def rssi(*stretches: tuple[float, float]) -> list[Told]:
    """So many seconds at so many dBm."""
    return [(dbm > -110, dbm) for length_s, dbm in stretches for _ in range(round(length_s * 10))]


def test_field_strength_opens_and_holds_a_little_weaker() -> None:
    told = rssi((2.0, -120), (1.0, -100), (1.0, -112), (2.0, -115))
    ((start_s, end_s, reason),) = run(silence(6.0), told, Squelch(SquelchKind.parse("rssi")))
    assert (start_s, end_s) == pytest.approx((1.7, 4.1), abs=0.05)
    assert reason is End.CARRIER
    weak = rssi((2.0, -120), (2.0, -112), (2.0, -120))
    assert run(silence(6.0), weak, Squelch(SquelchKind.parse("rssi"))) == []


def test_an_inverted_sense_opens_when_it_is_gone() -> None:
    told: list[Told] = [(True, None)] * 20 + [(False, None)] * 20 + [(True, None)] * 20
    ((start_s, end_s, _),) = run(silence(6.0), told, Squelch(SquelchKind.parse("!carrier")))
    assert (start_s, end_s) == pytest.approx((1.7, 4.1), abs=0.05)


def test_either_of_two_receivers_words_opens() -> None:
    told: list[Told] = [(False, -120.0)] * 20 + [(True, -120.0)] * 10 + [(False, -90.0)] * 10
    told += [(False, -120.0)] * 20
    ((start_s, end_s, _),) = run(silence(6.0), told, Squelch(SquelchKind.parse("carrier | rssi")))
    assert (start_s, end_s) == pytest.approx((1.7, 4.1), abs=0.05)
    assert run(silence(6.0), told, Squelch(SquelchKind.parse("carrier & rssi"))) == []


def test_the_level_stands_in_for_a_receiver_that_says_nothing(signals: Any) -> None:
    audio = signals.pcm(signals.silence(2.0), signals.speech(2.4, -26), signals.silence(2.0))
    told: list[Told] = [(False, None)] * 10 + [(None, None)] * 60
    for text in ("carrier", "vox & carrier", "vox & rssi"):
        ((start_s, end_s, _),) = run(audio, told, Squelch(SquelchKind.parse(text)))
        assert start_s < 2.0
        assert end_s > 4.3


def test_what_opens_has_to_last(signals: Any) -> None:
    told = rssi((2.0, -120), (0.4, -90), (2.0, -120), (0.8, -90), (2.0, -120))
    kind = SquelchKind.parse("rssi")
    assert len(run(silence(7.2), told, Squelch(kind))) == 2
    ((start_s, _, _),) = run(silence(7.2), told, Squelch(kind, open_delay_s=0.6))
    assert start_s == pytest.approx(4.1, abs=0.03), "it begins before what opened it all the same"


def test_a_fading_carrier_is_bridged_by_the_close_delay() -> None:
    told = rssi((2.0, -120), (1.0, -90), (0.3, -120), (1.0, -90), (2.0, -120))
    kind = SquelchKind.parse("rssi")
    assert len(run(silence(6.3), told, Squelch(kind))) == 2
    assert len(run(silence(6.3), told, Squelch(kind, close_delay_s=0.5))) == 1


def test_the_burst_at_the_end_can_be_cut_off() -> None:
    told = rssi((2.0, -120), (1.0, -90), (2.0, -120))
    kind = SquelchKind.parse("carrier")
    ((_, whole_s, _),) = run(silence(5.0), told, Squelch(kind))
    ((_, end_s, _),) = run(silence(5.0), told, Squelch(kind, tail_cut_s=0.2))
    assert whole_s == pytest.approx(3.1, abs=0.03)
    assert end_s == pytest.approx(2.8, abs=0.03)


def test_nothing_is_heard_right_after_the_device_was_opened(signals: Any) -> None:
    audio = signals.pcm(signals.tone(0.5, -20), signals.silence(3.5))
    told: list[Told] = [(None, None)] * 40
    assert len(run(audio, told, Squelch())) == 1
    assert run(audio, told, Squelch(start_delay_s=0.5)) == []


class TestStuck:
    def test_a_carrier_that_stays_is_shut_out_until_it_drops(self) -> None:
        told: list[Told] = [(False, None)] * 20 + [(True, None)] * 400 + [(False, None)] * 10
        told += [(True, None)] * 20 + [(False, None)] * 20
        squelch = Squelch(SquelchKind.CARRIER, timeout_s=20.0, max_length_s=15.0)
        found = run(silence(len(told) / 10), told, squelch)
        assert [reason for _, _, reason in found] == [End.MAX_LENGTH, End.MAX_LENGTH, End.CARRIER]
        assert found[1][1] == pytest.approx(22.0, abs=0.1)
        assert found[2][0] == pytest.approx(42.7, abs=0.1)

    def test_says_so_while_it_lasts(self) -> None:
        segmenter = Segmenter(Squelch(SquelchKind.CARRIER, timeout_s=10.0))
        seen = [
            (segmenter.feed(silence(0.1), carrier), segmenter.is_stuck)[1]
            for carrier in [True] * 150 + [False] * 10
        ]
        assert seen.index(True) == pytest.approx(100, abs=2)
        assert not seen[-1]


class TestFlapping:
    def flap(self, count: int) -> list[Told]:
        return [(index % 4 < 2, None) for index in range(4 * count)]

    def test_short_openings_are_not_believed_any_more_but_a_call_is(self) -> None:
        told: list[Told] = [(False, None)] * 20 + self.flap(40)
        told += [(False, None)] * 2 + [(True, None)] * 30 + [(False, None)] * 20
        squelch = Squelch(SquelchKind.CARRIER)
        found = run(silence(len(told) / 10), told, squelch)
        assert len(found) == squelch.flap_count + 1
        start_s, end_s, _ = found[-1]
        assert (start_s, end_s) == pytest.approx((17.9, 21.3), abs=0.15)

    def test_is_forgotten_after_a_rest(self) -> None:
        segmenter = Segmenter(Squelch(SquelchKind.CARRIER))
        for carrier, _ in self.flap(20):
            segmenter.feed(silence(0.1), carrier)
        assert segmenter.is_flapping
        for _ in range(60):
            segmenter.feed(silence(0.1), carrier=False)
        assert not segmenter.is_flapping

    def test_short_answers_one_after_the_other_are_no_flapping(self) -> None:
        told = ([(False, None)] * 15 + [(True, None)] * 3) * 12
        found = run(silence(len(told) / 10), [*told, *[(False, None)] * 5], Squelch(SquelchKind.CARRIER))
        assert len(found) == 12


class TestDeafness:
    def test_own_speech_is_not_heard_and_the_answer_is(self, signals: Any) -> None:
        audio = signals.pcm(
            signals.silence(2.0), signals.speech(2.4, -20), signals.silence(0.6), signals.speech(1.2, -26),
            signals.silence(1.5),
        )  # fmt: skip
        told: list[Told] = [(None, None)] * (len(audio) // CHUNK)
        assert run(audio, told, Squelch())[0][0] < 2.0
        ((start_s, end_s, _),) = run(audio, told, Squelch(), [(2.0, 4.55)])
        assert 4.55 <= start_s <= 5.02, "the pre-roll holds nothing of the own speech"
        assert end_s > 6.0

    def test_the_silence_of_a_keyed_radio_is_no_floor(self, signals: Any) -> None:
        noise = signals.noise(20.0, -40)
        noise[6 * RATE_HZ : 14 * RATE_HZ] = 0.0
        audio = signals.pcm(noise)
        told: list[Told] = [(None, None)] * 200
        assert len(run(audio, told, Squelch())) == 1, "else the noise that comes back opens the squelch"
        assert run(audio, told, Squelch(), [(6.0, 14.15)]) == []

    def test_what_is_open_ends_where_the_gateway_keys_up(self, signals: Any) -> None:
        audio = signals.pcm(signals.silence(2.0), signals.speech(3.6, -26), signals.silence(1.0))
        told: list[Told] = [(None, None)] * 66
        first, second = run(audio, told, Squelch(), [(3.0, 4.0)])
        assert (first[1], first[2]) == (3.0, End.STOPPED)
        assert second[0] == pytest.approx(4.0, abs=0.25)


@pytest.fixture(scope="module")
def air(signals: Any) -> Pcm:
    heard: Pcm = signals.pcm(signals.silence(1.0), signals.speech(1.2, -26), signals.noise(0.7, -40))
    return heard


@given(
    told=st.lists(
        st.tuples(
            st.integers(1, 8), st.sampled_from([None, True, False]), st.sampled_from([None, -120.0, -90.0])
        ),
        min_size=1,
        max_size=15,
    ),
    text=EXPRESSIONS,
    deaf=st.lists(st.tuples(st.floats(0, 10), st.floats(0, 2)), max_size=3),
    tail_cut_s=st.sampled_from([0.0, 0.2]),
    max_length_s=st.sampled_from([0.5, 60.0]),
    timeout_s=st.sampled_from([2.0, 180.0]),
)
@settings(max_examples=40, deadline=None)
def test_nothing_is_lost_doubled_or_heard_while_deaf(
    air: Pcm,
    told: list[tuple[int, bool | None, float | None]],
    text: str,
    deaf: list[tuple[float, float]],
    tail_cut_s: float,
    max_length_s: float,
    timeout_s: float,
) -> None:
    steps = [one for count, *one in told for _ in range(count)]
    audio = np.resize(air, len(steps) * CHUNK)
    squelch = Squelch(
        SquelchKind.parse(text), tail_cut_s=tail_cut_s, max_length_s=max_length_s, timeout_s=timeout_s
    )
    stretches = sorted((start_s, start_s + length_s) for start_s, length_s in deaf)
    found = run(audio, [(carrier, rssi_dbm) for carrier, rssi_dbm in steps], squelch, stretches)
    for start_s, end_s, _ in found:
        assert end_s - start_s <= max_length_s + 1e-6
        for deaf_s, until_s in stretches:
            assert (
                end_s <= deaf_s + 1 / RATE_HZ or start_s >= until_s - 1 / RATE_HZ or until_s - deaf_s < 1e-4
            )
