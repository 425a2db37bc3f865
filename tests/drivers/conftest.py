"""Recordings and scripts made on the spot, so that every number in a test is known."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

Recording = Callable[..., Path]


def sine(
    seconds: float, rate_hz: int = 16_000, hz: float = 500.0, level: float = 0.25
) -> npt.NDArray[np.float64]:
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """Write a recording; returns its path."""

    def write(
        name: str = "call.wav",
        seconds: float = 0.5,
        rate_hz: int = 16_000,
        subtype: str | None = None,
        samples: npt.NDArray[np.float64] | None = None,
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(
            path, sine(seconds, rate_hz) if samples is None else samples, rate_hz, subtype=subtype
        )
        return path

    return write
