"""multimon-ng, a decoder the encoders know nothing of, reads what they send."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soxr

from gateway.hear.signalling import decode, encode
from gateway.hear.signalling.settings import SignallingSettings, Standard
from gateway.model import RATE_HZ, Pcm

MULTIMON = shutil.which("multimon-ng") or next(
    (str(path) for path in (Path("/usr/bin/multimon-ng"),) if path.exists()), None
)
pytestmark = pytest.mark.skipif(
    MULTIMON is None, reason="multimon-ng is not installed (apt-get install multimon-ng)"
)
THEIR_RATE_HZ = 22_050


def multimon(audio: Pcm, demodulator: str) -> str:
    """Return the symbols multimon-ng reads, E for a repeat."""
    quiet = np.zeros(RATE_HZ // 2, np.float32)
    wide = soxr.resample(np.concatenate([quiet, audio.astype(np.float32), quiet]), RATE_HZ, THEIR_RATE_HZ)
    done = subprocess.run(
        [str(MULTIMON), "-q", "-c", "-a", demodulator, "-t", "raw", "-"],
        input=np.clip(wide, -32768, 32767).astype("<i2").tobytes(),
        capture_output=True,
        check=True,
        timeout=30,
    )
    lines = done.stdout.decode().split()
    return "".join(lines[1::2])


@pytest.mark.parametrize("digits", ["1234567890", "*#ABCD", "5512", "000"])
def test_multimon_reads_our_dtmf(digits: str) -> None:
    audio = encode.dtmf(digits)
    assert multimon(audio, "DTMF") == digits
    assert [one.id for one in decode(audio)] == [digits]


@pytest.mark.parametrize("standard", ["ZVEI1", "ZVEI2", "CCIR", "EEA"])
@pytest.mark.parametrize(
    ("digits", "sent"), [("12345", "12345"), ("67890", "67890"), ("12334", "123E4"), ("11112", "1E1E2")]
)
def test_multimon_reads_our_five_tones(standard: Standard, digits: str, sent: str) -> None:
    audio = encode.fivetone(digits, standard)
    assert multimon(audio, standard) == sent
    one = SignallingSettings(fivetone_standards=(standard,))
    assert [found.id for found in decode(audio, one)] == [digits]


def test_multimon_reads_our_group_tones() -> None:
    for standard, digits in (("ZVEI1", "1ABCD"), ("CCIR", "1A2BD"), ("EEA", "1A202")):
        assert multimon(encode.fivetone(digits, standard), standard) == digits
