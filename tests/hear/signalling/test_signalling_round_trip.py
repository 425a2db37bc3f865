"""What the encoders send, the decoder reads, through a radio channel and beside other sounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.signalling import SENDERS, ctcss_share, read_share, through_radio
from gateway.hear.signalling import SignallingSettings, decode, encode
from gateway.hear.signalling.ctcss import TONES_HZ
from gateway.hear.signalling.dtmf import KEYS
from gateway.hear.signalling.fivetone import TABLES
from gateway.hear.signalling.mdc1200 import packets
from gateway.hear.signalling.settings import Standard
from gateway.hear.signalling.spectrum import spectrum
from gateway.model import RATE_HZ, Pcm

drifts = st.floats(-0.015, 0.015)
levels = st.floats(-30.0, 3.0)


def heard(audio: Pcm, settings: SignallingSettings | None = None) -> list[tuple[str, str]]:
    found = decode(audio) if settings is None else decode(audio, settings)
    return [(one.system, one.id) for one in found]


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE_HZ), np.int16)


@settings(max_examples=40, deadline=None)
@given(
    digits=st.text(KEYS, min_size=3, max_size=9),
    tone_s=st.floats(0.04, 0.2),
    pause_s=st.floats(0.04, 0.2),
    twist_db=st.floats(-8.0, 4.0),
    drift=drifts,
    level_dbfs=levels,
)
def test_dtmf_reads_back(
    digits: str, tone_s: float, pause_s: float, twist_db: float, drift: float, level_dbfs: float
) -> None:
    audio = encode.dtmf(
        digits, tone_s=tone_s, pause_s=pause_s, twist_db=twist_db, drift=drift, level_dbfs=level_dbfs
    )
    assert heard(audio) == [("dtmf", digits)]


@pytest.mark.parametrize("standard", ["ZVEI1", "CCIR", "EEA"])
@settings(max_examples=25, deadline=None)
@given(
    digits=st.text("0123456789", min_size=5, max_size=5), drift=drifts, level_dbfs=levels, long=st.booleans()
)
def test_fivetone_reads_back(
    standard: Standard, digits: str, drift: float, level_dbfs: float, long: bool
) -> None:
    first_tone_s = 0.7 if long else None
    audio = encode.fivetone(digits, standard, first_tone_s=first_tone_s, drift=drift, level_dbfs=level_dbfs)
    assert heard(audio) == [("fivetone", digits)]


@settings(max_examples=30, deadline=None)
@given(
    unit=st.integers(0, 0xFFFF),
    other=st.integers(0, 0xFFFF),
    arg=st.sampled_from([0x80, 0x00]),
    drift=drifts,
    level_dbfs=levels,
    leader_bytes=st.integers(3, 30),
    upside_down=st.booleans(),
)
def test_mdc1200_reads_back(
    unit: int, other: int, arg: int, drift: float, level_dbfs: float, leader_bytes: int, upside_down: bool
) -> None:
    single = encode.mdc1200(
        f"{unit:x}", arg=arg, leader_bytes=leader_bytes, drift=drift, level_dbfs=level_dbfs
    )
    double = encode.mdc1200(
        f"{other:x}", op=0x35, arg=0x89, caller=f"{unit:x}", drift=drift, level_dbfs=level_dbfs
    )
    for audio in (single, double):
        assert heard(~audio if upside_down else audio) == [("mdc1200", f"{unit:04X}")]


@pytest.mark.parametrize("hz", TONES_HZ)
def test_ctcss_reads_back(hz: float) -> None:
    assert heard(encode.ctcss(hz, 1.5)) == [("ctcss", f"{hz:.1f}")]


@pytest.mark.parametrize("name", SENDERS)
def test_reads_98_percent_at_12_db(name: str) -> None:
    share, wrong = read_share(SENDERS[name], tries=60, seed=7)
    assert share >= 0.98
    assert wrong == 0


def test_ctcss_is_read_under_speech(calls: list[Pcm]) -> None:
    assert ctcss_share(tries=10, seed=3, speech=calls) == (1.0, 0)


def test_every_tone_of_a_table_is_read() -> None:
    for standard, table in TABLES.items():
        for digit in set(table.hz) - {"E"}:
            sent = "1" + digit + "2" + digit + "3" if digit not in "123" else "40" + digit + "05"
            one = SignallingSettings(fivetone_standards=(standard,))
            assert heard(encode.fivetone(sent, standard), one) == [("fivetone", sent)]


def test_an_id_before_and_after_speech_is_given_once_with_its_first_time(calls: list[Pcm]) -> None:
    burst = encode.mdc1200("1828", arg=0x80, level_dbfs=-20.0)
    audio = np.concatenate(
        [silence(0.3), burst, calls[0], encode.mdc1200("1828", arg=0x00, level_dbfs=-20.0)]
    )
    (found,) = decode(audio)
    assert (found.system, found.id) == ("mdc1200", "1828")
    assert found.at_s == pytest.approx(0.3 + 7 * 8 / 1200, abs=0.01)
    assert [packet.arg for packet in packets(audio, spectrum(audio))] == [0x80, 0x00]


@pytest.mark.parametrize("burst", [encode.dtmf("4711"), encode.fivetone("47110"), encode.mdc1200("4711")])
def test_speech_right_behind_an_id_does_no_harm(burst: Pcm, calls: list[Pcm]) -> None:
    for call in calls:
        loud = (call[: 2 * RATE_HZ] * (8000.0 / np.abs(call).max())).astype(np.int16)
        (found,) = decode(np.concatenate([silence(0.1), burst, silence(0.12), loud]))
        assert found.id.startswith("4711")


def test_all_systems_of_one_transmission_are_given_in_order() -> None:
    bursts = [encode.fivetone("12345"), encode.mdc1200("BEEF"), encode.dtmf("2580")]
    audio = np.concatenate([piece for burst in bursts for piece in (burst, silence(0.4))])
    with_tone = audio + encode.ctcss(123.0, len(audio) / RATE_HZ)[: len(audio)]
    assert heard(audio) == [("fivetone", "12345"), ("mdc1200", "BEEF"), ("dtmf", "2580")]
    assert sorted(heard(with_tone)) == sorted([*heard(audio), ("ctcss", "123.0")])


def test_called_and_calling_sequences_are_both_given() -> None:
    audio = np.concatenate([encode.fivetone("20001"), silence(0.1), encode.fivetone("20042")])
    assert heard(audio) == [("fivetone", "20001"), ("fivetone", "20042")]


def test_times_are_where_the_burst_begins() -> None:
    for burst in (encode.dtmf("123"), encode.fivetone("12345")):
        (found,) = decode(np.concatenate([silence(1.0), burst]))
        assert found.at_s == pytest.approx(1.0, abs=0.02)


def test_only_what_is_enabled_is_read() -> None:
    rng = np.random.default_rng(0)
    audio = through_radio(encode.dtmf("12345"), rng)
    assert heard(audio, SignallingSettings(systems=frozenset(("mdc1200", "fivetone", "ctcss")))) == []
    assert heard(audio, SignallingSettings(systems=frozenset())) == []
    assert (
        heard(encode.fivetone("12345", "CCIR"), SignallingSettings(fivetone_standards=("ZVEI1", "EEA"))) == []
    )
    assert heard(encode.dtmf("12"), SignallingSettings(dtmf_digits=2)) == [("dtmf", "12")]
    assert heard(encode.fivetone("123456"), SignallingSettings(fivetone_digits=(5, 6))) == [
        ("fivetone", "123456")
    ]


def test_mdc_packets_at_the_seams_of_a_long_whistle_are_read_once() -> None:
    at = np.arange(13 * RATE_HZ) / RATE_HZ
    audio = (8000 * np.sin(2 * np.pi * 1500.0 * at)).astype(np.int16)
    starts = [round(seconds * RATE_HZ) for seconds in (3.93, 7.5, 7.99, 11.97)]
    for number, start in enumerate(starts):
        burst = encode.mdc1200(f"{number + 1:04X}")
        audio[start : start + len(burst)] = burst
    assert [packet.unit_id for packet in packets(audio, spectrum(audio))] == [1, 2, 3, 4]
