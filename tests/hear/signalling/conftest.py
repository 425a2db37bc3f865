"""Speech in which nobody sends an id."""

from pathlib import Path

import pytest

from bench.signalling import OWN_CALLS, speech_clips
from gateway.model import Pcm


@pytest.fixture(scope="session")
def calls() -> list[Pcm]:
    clips = speech_clips([Path(OWN_CALLS)])
    assert clips, f"no recordings in {OWN_CALLS}"
    return clips[:16]
