"""Replies that ran together: several units whose names the audio has one behind the other. Pure.

A line that is ordered at once answers at once, and a squelch that goes by the sound hears no end between two
of them. On 42 single reports of a drill and 28 pairs at 20 dB no single one has a second name by this
measure, of the pairs 24 have both.
"""

import itertools
from collections.abc import Collection
from typing import Final

import numpy as np

from gateway.model import RATE_HZ, Pcm, Resolution

_HEARD_NATS: Final = 0.5
"""The audio must speak for each name by itself, not only the order that named it."""
_BLOCK_S: Final = 0.02
_GAP_S: Final = 0.12
_GAP_DB: Final = 6.0
"""A gap reaches as far as the sound stays this near to its quietest."""

Span = tuple[float, float]


def names_apart(caller: Resolution, expected: Collection[str]) -> tuple[Span, ...]:
    """When in the audio, in seconds, the name of each expected unit was said that did not share its stretch.

    In order; empty when there are not two. Of two units in one stretch the more likely one counts.
    """
    found = sorted(
        (
            (ground.nats, ground.span_s)
            for candidate in caller.candidates
            if candidate.unit_id in expected
            for ground in candidate.grounds
            if ground.by == "phones" and ground.span_s is not None and (ground.nats or 0.0) >= _HEARD_NATS
        ),
        key=lambda one: one[0] or 0.0,
        reverse=True,
    )
    apart: list[Span] = []
    for _, (start, end) in found:
        if all(start >= until or end <= since for since, until in apart):
            apart.append((start, end))
    return tuple(sorted(apart)) if len(apart) > 1 else ()


def pieces(audio: Pcm, names: tuple[Span, ...]) -> tuple[Span, ...]:
    """Cut the audio where it is quietest between two names; return the seconds of each speaker's part."""
    block = round(_BLOCK_S * RATE_HZ)
    whole_s = len(audio) / RATE_HZ
    samples = audio[: len(audio) // block * block].reshape(-1, block).astype(np.float64)
    power = np.mean(samples * samples, axis=1) + 1.0
    width = round(_GAP_S / _BLOCK_S)
    smooth = np.convolve(power, np.ones(width) / width, "same")
    parts, since_s = [], 0.0
    for (_, end), (start, _) in itertools.pairwise(names):
        first, last = round(end / _BLOCK_S), max(round(start / _BLOCK_S), round(end / _BLOCK_S) + 1)
        quietest = min(first + int(np.argmin(smooth[first:last])), len(smooth) - 1)
        quiet = smooth < smooth[quietest] * 10.0 ** (_GAP_DB / 10.0)
        left, right = quietest, quietest
        while left > first and quiet[left - 1]:
            left -= 1
        while right < last - 1 and quiet[right + 1]:
            right += 1
        parts.append((since_s, left * _BLOCK_S))
        since_s = (right + 1) * _BLOCK_S
    return (*parts, (since_s, whole_s))
