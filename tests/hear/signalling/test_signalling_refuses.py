"""Nothing that is not an id gives one, and no audio makes the decoders raise."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from bench.signalling import in_speech, through_radio
from gateway.hear.signalling import decode, encode
from gateway.hear.signalling.mdc1200_packet import BLOCK_BITS, block, crc16, read_block
from gateway.model import RATE_HZ, Pcm

AT = np.arange(6 * RATE_HZ) / RATE_HZ


def pcm(wave: np.ndarray, level: float = 9000.0) -> Pcm:
    return np.clip(wave * level, -32768, 32767).astype(np.int16)


def gliding(hz: np.ndarray) -> np.ndarray:
    return np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)


@settings(max_examples=60, deadline=None)
@given(numpy_st.arrays(np.int16, st.integers(0, 3000)))
@example(np.zeros(0, np.int16))
@example(np.zeros(1, np.int16))
@example(np.full(1, -32768, np.int16))
@example(np.full(3 * RATE_HZ, 32767, np.int16))
@example(np.full(3 * RATE_HZ, -32768, np.int16))
@example(np.tile(np.array([32767, -32768], np.int16), 20_000))
def test_no_audio_raises_or_decodes(audio: Pcm) -> None:
    assert decode(audio) == ()


@settings(max_examples=60, deadline=None)
@given(start=st.integers(0, 12_000), length=st.integers(0, 12_000))
def test_a_burst_cut_anywhere_never_raises_nor_becomes_another_id(start: int, length: int) -> None:
    bursts = [encode.mdc1200("1A2B"), encode.fivetone("12345"), encode.dtmf("987")]
    audio = np.concatenate(bursts)[start : start + length]
    assert {one.id for one in decode(audio)} <= {"1A2B", "12345", "987"}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), level=st.floats(10.0, 60_000.0), colour=st.floats(0.0, 0.98))
def test_noise_never_decodes(seed: int, level: float, colour: float) -> None:
    white = np.random.default_rng(seed).standard_normal(4 * RATE_HZ)
    assert decode(pcm(white - colour * np.roll(white, 1), level)) == ()
    assert decode(pcm(white + colour * np.roll(white, 1), level)) == ()


def test_calls_in_noise_give_no_id(calls: list[Pcm]) -> None:
    figures = in_speech(calls, seed=5)
    assert figures["false_ids_heard"] == []
    assert figures["false_ids"] == 0


@pytest.mark.parametrize(
    "wave",
    [
        gliding(1000 + 600 * np.sin(2 * np.pi * 0.3 * AT)),
        gliding(1000 + 600 * np.sin(2 * np.pi * 4.0 * AT)),
        gliding(np.where((2 * AT).astype(int) % 2, 960.0, 770.0)),
        gliding(np.where((14 * AT).astype(int) % 2, 1160.0, 1400.0)),
        gliding(300 + 450 * AT),
        sum(np.sin(2 * np.pi * 140 * k * AT + k) / k for k in range(1, 24)),
        np.sign(gliding(np.full(len(AT), 1500.0))),
        np.sign(gliding(np.full(len(AT), 697.0))),
        gliding(np.full(len(AT), 1000.0)) + gliding(np.full(len(AT), 1800.0)),
    ],
    ids=["wail", "yelp", "hi-lo", "warble", "sweep", "buzz", "square 1500", "square 697", "two tones"],
)
def test_sirens_and_beeps_give_no_id(wave: np.ndarray) -> None:
    assert decode(pcm(wave)) == ()


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_mains_hum_is_no_ctcss(mains_hz: float) -> None:
    for strongest in range(1, 6):
        hum = sum(
            (1.0 if order == strongest else 0.3) * np.sin(2 * np.pi * mains_hz * order * AT)
            for order in range(1, 6)
        )
        assert decode(pcm(np.asarray(hum), 3000.0)) == ()


@pytest.mark.parametrize("off", [-0.035, 0.035])
def test_dtmf_off_frequency_is_refused(off: float) -> None:
    assert decode(encode.dtmf("123456", drift=off)) == ()


def test_short_presses_and_short_runs_are_refused() -> None:
    assert decode(encode.dtmf("123456", tone_s=0.02)) == ()
    assert decode(encode.dtmf("12")) == ()
    assert decode(encode.dtmf("123456", pause_s=0.8)) == ()


def test_an_interruption_of_10_ms_is_still_one_press() -> None:
    audio = encode.dtmf("159", tone_s=0.15)
    audio[1100:1260] = 0
    assert [one.id for one in decode(audio)] == ["159"]


def test_a_press_lost_to_damage_gives_no_shorter_id() -> None:
    rng = np.random.default_rng(2)
    low_only = encode.dtmf("5", twist_db=-40.0)
    pause = np.zeros(1280, np.int16)
    for order in ("x1234", "12x34", "1234x"):
        pieces = [low_only if digit == "x" else encode.dtmf(digit) for digit in order]
        audio = np.concatenate([half for piece in pieces for half in (piece, pause)])
        assert decode(through_radio(audio, rng, snr_db=25.0)) == ()


@pytest.mark.parametrize(
    "tones",
    [
        encode.fivetone("1234"),
        encode.fivetone("123456"),
        encode.fivetone("12345", tone_s=0.04),
        encode.fivetone("12345", tone_s=0.1),
        encode.fivetone("12345", "CCIR", tone_s=0.07),
        encode.fivetone("12345", drift=0.04),
    ],
    ids=["four", "six", "ZVEI too fast", "ZVEI too slow", "CCIR too fast", "off frequency"],
)
def test_what_no_standard_sends_is_refused(tones: Pcm) -> None:
    assert decode(tones) == ()


def test_an_mdc_packet_for_somebody_else_names_no_caller() -> None:
    assert decode(encode.mdc1200("1234", op=0x63, arg=0x85)) == ()
    with pytest.raises(ValueError, match="double packet"):
        encode.mdc1200("1234", op=0x35, arg=0x89)


def test_mdc_block_is_bit_for_bit_what_other_decoders_read() -> None:
    # icad_tone_detection 2.9.0's decoder reads "01 80 1a2b" from this block.
    assert np.packbits(block(bytes.fromhex("01801a2b"))).tobytes().hex() == "84822e2f02943004141e208c308e"
    assert crc16(bytes.fromhex("01801a2b")) == 0x1898


@given(four=st.binary(min_size=4, max_size=4), wrong=st.sets(st.integers(0, BLOCK_BITS - 1), max_size=2))
@settings(deadline=None, max_examples=60)
def test_mdc_corrects_any_two_wrong_bits(four: bytes, wrong: set[int]) -> None:
    soft = 1.0 - 2.0 * block(four)
    soft[list(wrong)] *= -1.0
    assert read_block(soft) == four


@given(
    four=st.binary(min_size=4, max_size=4), start=st.integers(0, BLOCK_BITS - 1), length=st.integers(0, 12)
)
@settings(deadline=None, max_examples=40)
def test_mdc_survives_a_fade(four: bytes, start: int, length: int) -> None:
    soft = 1.0 - 2.0 * block(four)
    soft[start : start + length] = 0.0
    assert read_block(soft) == four


@given(numpy_st.arrays(np.float64, BLOCK_BITS, elements=st.floats(-1e6, 1e6)))
@settings(deadline=None, max_examples=60)
def test_mdc_reader_takes_any_bits(soft: np.ndarray) -> None:
    four = read_block(soft)
    assert four is None or np.count_nonzero(block(four) != (soft < 0.0)) <= 16
