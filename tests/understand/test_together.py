"""Replies that ran together are told apart by when each name is in the audio, and cut where it is quiet."""

from typing import Literal

import numpy as np
import pytest

from gateway.model import RATE_HZ, Candidate, Ground, Resolution
from gateway.understand.together import names_apart, pieces


def named(
    unit_id: str, nats: float, span_s: tuple[float, float] | None, by: Literal["text", "phones"] = "phones"
) -> Candidate:
    ground = Ground(by=by, nats=nats, span_s=span_s)
    return Candidate(unit_id, unit_id, 0.5, (ground,))


def test_names_one_behind_the_other_are_several_speakers() -> None:
    caller = Resolution(
        status="ambiguous",
        candidates=(
            named("u2", 4.8, (4.2, 4.7)), named("u1", 6.1, (0.9, 1.5)), named("u9", -1.2, (6.0, 6.5)),
            named("u3", 2.0, (4.3, 4.8)), named("u7", 9.0, (8.0, 8.9)), named("u4", 5.0, None, "text"),
        ),
    )  # fmt: skip

    assert names_apart(caller, {"u1", "u2", "u3", "u4", "u9"}) == ((0.9, 1.5), (4.2, 4.7))
    assert names_apart(caller, {"u2", "u3"}) == ()
    assert names_apart(caller, ()) == ()


def sound(*parts: tuple[float, float]) -> np.ndarray:
    """Noise of (seconds, amplitude) one after the other."""
    draw = np.random.default_rng(3)
    return np.concatenate(
        [draw.normal(0, amplitude, round(seconds * RATE_HZ)) for seconds, amplitude in parts]
    ).astype(np.int16)


def test_the_cut_is_the_silence_between_two_carriers() -> None:
    """A speaker's pause has his room and his radio in it; between two carriers there is nothing."""
    audio = sound((0.3, 5), (1.2, 3000), (0.4, 200), (0.8, 3000), (0.3, 5), (0.1, 200), (2.0, 3000))

    (first, second) = pieces(audio, ((0.5, 1.2), (3.4, 4.0)))

    assert first == (0.0, pytest.approx(2.7, abs=0.1))
    assert second == (pytest.approx(3.0, abs=0.1), pytest.approx(5.1, abs=0.01))


def test_where_one_covers_the_other_they_are_cut_all_the_same() -> None:
    parts = pieces(sound((5.0, 3000)), ((0.5, 1.0), (1.02, 2.0), (3.0, 4.0)))

    assert len(parts) == 3
    assert all(0.0 <= since < until <= 5.0 for since, until in parts)
    assert [since for since, _ in parts] == sorted(since for since, _ in parts)
